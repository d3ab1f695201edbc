#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "net/checks.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/snapshot/snapshot.hpp"
#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

using netlend::Error;
using netlend::Netns;
using netlend::Site;
using netlend::test::error_of;
using netlend::test::FreshNetns;
using netlend::test::sh;

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

BOOST_AUTO_TEST_CASE(devices_are_listed_by_their_kind_and_by_what_they_stand_on) {
  sh("ip link add a0 type veth peer name a1; ip link add b0 type veth peer name b1");
  Site here{Netns::current()};
  const auto a0 = find_link(here.socket, std::string("a0"))->ifindex;
  const auto over = list_links_over(here.socket, {.kind = "veth", .lower = a0, .nsid = {}});
  BOOST_REQUIRE(over.has_value());
  BOOST_REQUIRE(over->size() == 1U);
  BOOST_TEST(over->front().name == "a1");
  BOOST_TEST(!list_links_over(here.socket, {.kind = "nosuch", .lower = a0, .nsid = {}}));
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
