#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "net/checks.hpp"
#include "net/link.hpp"
#include "net/site.hpp"
#include "net/snapshot.hpp"
#include "net/state_directory.hpp"
#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

using netlend::Error;
using netlend::Netns;
using netlend::Site;
using netlend::test::error_of;
using netlend::test::sh;

namespace {
struct FreshNetns {
  FreshNetns() { netlend::test::enter_new_netns(); }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(route_socket, FreshNetns)

BOOST_AUTO_TEST_CASE(the_kernels_own_words_reach_the_user) {
  sh("ip link add a0 type veth peer name a1");
  Site here{Netns::current()};
  const auto link = find_link(here.socket, std::string("a0"));
  BOOST_REQUIRE(link.has_value());
  const std::string error = error_of(
      [&] { here.socket.call(netlend::rename_link(link->ifindex, "a1", "rename 'a0' to 'a1'")); });
  BOOST_TEST(error.find("rename 'a0' to 'a1': ") == 0U);
  BOOST_TEST(error.find("EEXIST") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_absent_device_is_nothing_or_an_error_as_one_asks) {
  Site here{Netns::current()};
  BOOST_TEST(!find_link(here.socket, std::string("nope")).has_value());
  BOOST_TEST(!find_link(here.socket, netlend::IfIndex{4711}).has_value());
  BOOST_CHECK_THROW(read_link(here.socket, netlend::IfIndex{4711}), Error);
}

BOOST_AUTO_TEST_CASE(a_socket_goes_on_reaching_its_namespace) {
  sh("ip link add a0 type veth peer name a1");
  Site here{Netns::current()};
  netlend::test::enter_new_netns();
  BOOST_TEST(find_link(here.socket, std::string("a0")).has_value());
}

BOOST_AUTO_TEST_CASE(an_attribute_too_long_for_its_length_field_is_refused_not_cut) {
  netlend::Message message(1, 0, "try");
  BOOST_CHECK_THROW(message.put(1, std::string(65536, 'x')), Error);
}

BOOST_AUTO_TEST_CASE(a_device_with_hundreds_of_altnames_hides_no_other) {
  sh("ip link add a0 type veth peer name a1; name=$(printf %0118d 0); for i in $(seq 1 300); do "
     "echo link property add dev a0 altname x$i-$name; done | ip -batch -");
  Site here{Netns::current()};
  BOOST_TEST(list_links(here.socket).size() == 3U);
  BOOST_TEST(find_link(here.socket, std::string("a0"))->altnames.size() == 300U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(netns, FreshNetns)

BOOST_AUTO_TEST_CASE(what_is_no_network_namespace_is_refused_with_one_sentence_for_all) {
  const std::filesystem::path folder = "/run/netns-test";
  std::filesystem::create_directories(folder);
  BOOST_REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0 || errno == EEXIST);
  const std::vector<std::string> paths{"/nonexistent", (folder / "fifo").string(),
                                       "/etc/passwd",  "/proc/self/ns/mnt",
                                       "/dev/zero",    folder.string()};
  for (const auto& path : paths) {
    const std::string error = error_of([&] { Netns::open(path); });
    BOOST_TEST(error == "'" + path +
                            "' is not a network namespace that can be opened; name one of "
                            "/run/netns or a path like /proc/PID/ns/net");
  }
}

BOOST_AUTO_TEST_CASE(one_namespace_has_one_identity_however_it_is_opened) {
  const auto here = Netns::current().identity();
  BOOST_CHECK(Netns::open("/proc/self/ns/net").identity() == here);
  BOOST_CHECK(Netns::of_process(::getpid()).identity() == here);
  BOOST_CHECK(Netns::create().identity() != here);
  BOOST_CHECK(Netns::current().identity() == here);
}

BOOST_AUTO_TEST_CASE(a_process_that_ended_has_none) {
  netlend::test::Sleeper sleeper;
  const pid_t pid = sleeper.pid();
  sleeper.kill();
  BOOST_CHECK_THROW(Netns::of_process(pid), Error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(snapshots, FreshNetns)

BOOST_AUTO_TEST_CASE(two_readings_of_a_lifetime_give_one_deadline) {
  sh("ip link add a0 type veth peer name a1; ip link set a1 up; ip link set a0 up;"
     "ip addr add 10.0.0.1/24 dev a0 valid_lft 5000 preferred_lft 2500");
  Site here{Netns::current()};
  const auto ifindex = find_link(here.socket, std::string("a0"))->ifindex;
  const auto first = list_addresses(here.socket, ifindex).at(0);
  BOOST_REQUIRE(first.valid_until_s.has_value());
  // Over more than a second, so that every phase of the kernel's clock is met.
  const auto end = netlend::monotonic_ms() + 1500;
  while (netlend::monotonic_ms() < end) {
    const auto again = list_addresses(here.socket, ifindex).at(0);
    BOOST_REQUIRE(again.valid_until_s == first.valid_until_s);
    BOOST_REQUIRE(again.preferred_until_s == first.preferred_until_s);
  }
}

BOOST_AUTO_TEST_CASE(an_untouched_device_has_no_differences) {
  sh("ip link add a0 type veth peer name a1; ip link set a0 up; ip addr add 10.0.0.1/24 dev a0");
  Site here{Netns::current()};
  const auto ifindex = find_link(here.socket, std::string("a0"))->ifindex;
  const auto before = take_snapshot(here, ifindex);
  BOOST_TEST(differences(before, take_snapshot(here, ifindex)).empty());

  sh("ip addr add 10.0.0.2/24 dev a0; ip link set a0 alias x; echo 1 > "
     "/proc/sys/net/ipv4/conf/a0/arp_notify");
  const auto found = differences(before, take_snapshot(here, ifindex));
  BOOST_TEST(found.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_mac_that_two_devices_have_is_an_error_that_names_both) {
  sh("ip link add a0 address 02:00:00:00:00:0a type veth peer name a1 address 02:00:00:00:00:0a");
  Site here{Netns::current()};
  const std::string error = error_of([&] {
    select_device(here, {.by = netlend::DeviceSelector::By::mac, .value = "02:00:00:00:00:0a"});
  });
  BOOST_TEST(error.find("'a1'") != std::string::npos);
  BOOST_TEST(error.find("'a0'") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(state_directory)

BOOST_AUTO_TEST_CASE(it_is_made_private) {
  const netlend::StateDirectory state("/run/state-a");
  struct stat status {};
  BOOST_TEST(::stat("/run/state-a/ledgers", &status) == 0);
  BOOST_TEST((status.st_mode & 07777U) == 0700U);
}

BOOST_AUTO_TEST_CASE(one_that_others_could_write_to_is_refused_with_what_to_do) {
  sh("mkdir -p /run/state-b; chmod 0777 /run/state-b");
  const auto open = error_of([] { netlend::StateDirectory{"/run/state-b"}; });
  BOOST_TEST(open.find("chmod 0700 /run/state-b") != std::string::npos);

  sh("mkdir -p /run/state-c; chmod 0700 /run/state-c; chown 1000 /run/state-c");
  const auto foreign = error_of([] { netlend::StateDirectory{"/run/state-c"}; });
  BOOST_TEST(foreign.find("belongs to user 1000") != std::string::npos);

  sh("mkdir -p /run/victim; ln -sfn /run/victim /run/state-d");
  BOOST_TEST(error_of([] { netlend::StateDirectory{"/run/state-d"}; }) != "");
  BOOST_TEST(sh("ls -A /run/victim") == "");
}

BOOST_AUTO_TEST_CASE(a_read_only_file_system_is_said_before_anything_is_moved) {
  sh("mkdir -p /run/ro; mount -t tmpfs -o ro tmpfs /run/ro");
  const auto error = error_of([] { netlend::StateDirectory{"/run/ro/netlend"}; });
  BOOST_TEST(error.find("EROFS") != std::string::npos);
  sh("umount /run/ro");
}

BOOST_AUTO_TEST_SUITE_END()
