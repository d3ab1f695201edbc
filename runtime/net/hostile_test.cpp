#include <fmt/core.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "base/syscall.hpp"
#include "net/lending_fixture.hpp"

using netlend::ReapScope;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::observe;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

namespace {
struct Kind {
  const char* name;
  const char* make;
};
// Those that nothing at home is joined to as a veth's other end is. The kernel of the tests in
// User Mode Linux has more, integration/guest.
constexpr std::array kKinds{Kind{"ifb", "ip link add own0 type ifb"},
                            Kind{"macvlan", "ip link add own0 link lan0 type macvlan mode bridge"}};

// Newer than Debian 12's headers, and its ip(8). Source: linux/if_link.h of Linux 6.3.
constexpr int kGsoIpv4MaxSize = 63;
constexpr int kGroIpv4MaxSize = 64;

/// What ip(8) can't set.
void limit_ipv4(const Sleeper& container, const std::string& device) {
  constexpr std::uint32_t kBytes = 30'000;
  netlend::Site inside{netlend::Netns::of_process(container.pid())};
  const auto link = find_link(inside.socket, device);
  BOOST_REQUIRE(link.has_value());
  auto limits = netlend::change_link(link->ifindex, "limit " + device);
  limits.put_u32(kGsoIpv4MaxSize, kBytes);
  limits.put_u32(kGroIpv4MaxSize, kBytes);
  inside.socket.call(limits);
}

/// What ip(8) doesn't show.
std::array<std::optional<std::uint32_t>, 2> ipv4_limits(const std::string& device) {
  netlend::Site home{netlend::Netns::current()};
  netlend::Message look(RTM_GETLINK, 0, "look at " + device);
  look.header(ifinfomsg{});
  look.put_string(IFLA_IFNAME, device);
  const auto reply = home.socket.get(look);
  const auto link = reply.attributes(sizeof(ifinfomsg));
  return {link.u32(kGsoIpv4MaxSize), link.u32(kGroIpv4MaxSize)};
}

/// Gives a device of the container one name after the other until it is there no more.
class Renamer {
 public:
  Renamer(const Sleeper& container, const std::string& device)
      : inside_(netlend::Netns::of_process(container.pid())),
        ifindex_(find_link(inside_.socket, device)->ifindex) {
    container.sh("ip link set " + device + " down");
    child_ = netlend::check(::fork(), "fork", "who renames it");
    if (child_ == 0) rename_for_ever();
    while (says(container.sh("ip -o link"), device + "@")) {
    }
  }
  Renamer(const Renamer&) = delete;
  Renamer& operator=(const Renamer&) = delete;
  Renamer(Renamer&&) = delete;
  Renamer& operator=(Renamer&&) = delete;
  ~Renamer() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

 private:
  [[noreturn]] void rename_for_ever() {
    for (int i = 0;; ++i) {
      auto message = netlend::change_link(ifindex_, "rename it");
      message.put_string(IFLA_IFNAME, "mine" + std::to_string(i % 100));
      try {
        inside_.socket.call(message);
      } catch (const netlend::Error&) {
        ::_exit(0);
      }
    }
  }

  netlend::Site inside_;
  netlend::IfIndex ifindex_;
  pid_t child_ = -1;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(hostile_borrower, Lab)

BOOST_AUTO_TEST_CASE(what_it_did_to_the_device_is_undone) {
  const auto limits = ipv4_limits("lan0");
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower());
  const char* const kDeeds[] = {
      "ip link set eth0 down; ip link set eth0 name mine0; ip link set mine0 address "
      "02:66:66:66:66:66 mtu 900 alias hijacked txqueuelen 5 group 9",
      "ip link property add dev mine0 altname lan0",
      "ip link property del dev mine0 altname lan-left",
      "ip addr flush dev mine0; ip addr add 6.6.6.6/8 dev mine0; ip link set mine0 up promisc on",
      "ip link add br6 type bridge; ip link set mine0 master br6",
      "ip link set mine0 broadcast 02:66:ff:ff:ff:ff gso_max_size 32768 gso_max_segs 77 "
      "gro_max_size 32768",
      "ip link set mine0 alias \"\"",
      "for a in $(ip -j link show mine0 | tr , \"\\n\" | grep -o netlend-[0-9a-f]*); do ip link "
      "property del dev mine0 altname $a; done",
  };
  for (const char* deed : kDeeds) container.sh(deed);
  limit_ipv4(container, "mine0");
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  BOOST_TEST((ipv4_limits("lan0") == limits));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_a_root_of_its_own_user_namespace_did_is_undone) {
  Sleeper borrowing{Sleeper::User::its_own};
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower_of(borrowing));
  borrowing.sh(
      "ip link set eth0 down; ip link set eth0 name mine0; ip link set mine0 mtu 900 alias "
      "hijacked;"
      "ip link property del dev mine0 altname $(ip -j link show mine0 | grep -o netlend-[0-9a-f]*);"
      "ip addr flush dev mine0; ip link add br6 type bridge; ip link set mine0 master br6 up");
  borrowing.kill();
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_device_that_it_renames_on_and_on_comes_home) {
  for (const char* own : {"", "ip link add lan0 type ifb"}) {
    container.sh(own);
    lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower());
    const Renamer renamer(container, "eth0");
    BOOST_TEST(joined(give_all_back()) == "");
    check_home_as_it_was();
    check_state_is_empty();
  }
}

BOOST_AUTO_TEST_CASE(flags_that_it_sets_or_clears_are_what_they_were) {
  for (const char* flag : {"promisc", "allmulticast", "dynamic"}) {
    for (const auto& [at_home, inside] : {std::pair{"off", "on"}, std::pair{"on", "off"}}) {
      BOOST_TEST_CONTEXT(flag << " " << inside) {
        sh(fmt::format("ip link set lan0 {} {}", flag, at_home));
        const std::string before = observe("lan0");
        lend(context(), plan("eth0=lan0"), borrower());
        container.sh(fmt::format("ip link set eth0 {} {}", flag, inside));
        BOOST_TEST(joined(give_all_back()) == "");
        BOOST_TEST(observe("lan0") == before);
      }
    }
    sh(fmt::format("ip link set lan0 {} off", flag));
  }
}

BOOST_AUTO_TEST_CASE(the_mode_of_a_macvlan_is_what_it_was) {
  sh("ip link add own0 link lan0 type macvlan mode bridge");
  const std::string before = observe("own0");
  lend(context(), plan("eth0=own0"), borrower());
  container.sh("ip link set eth0 type macvlan mode private");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("own0") == before);
  sh("ip link del own0");
}

BOOST_AUTO_TEST_CASE(three_hundred_altnames_hide_nothing) {
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh(
      "name=$(printf %0118d 0); for i in $(seq 1 300); do echo link property add dev eth0 altname "
      "x$i-$name; done | ip -batch -");
  container.kill();
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_of_its_own_under_our_marks_and_names_is_not_taken_for_ours) {
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh(
      "mark=$(ip -j link show eth0 | grep -o netlend-[0-9a-f]*); index=$(cat "
      "/sys/class/net/eth0/ifindex 2>/dev/null || ip -j link show eth0 | sed "
      "\"s/.*ifindex\\\":\\([0-9]*\\).*/\\1/\"); ip link property del dev eth0 altname $mark; ip "
      "link set eth0 down; ip link set eth0 name hidden0; ip link add eth0 type veth peer name "
      "eth0b; ip link property add dev eth0 altname $mark");
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_that_it_moved_on_comes_home_from_there) {
  netlend::test::Sleeper nested;
  for (const bool borrower_lives : {true, false}) {
    lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower());
    container.sh(
        "ip link property del dev eth0 altname $(ip -j link show eth0 | grep -o netlend-[0-9a-f]*);"
        "ip link set eth0 down; ip link set eth0 netns " +
        std::to_string(nested.pid()));
    nested.sh("ip link set eth0 name lan0 up");
    if (!borrower_lives) container.kill();
    BOOST_TEST(joined(give_all_back()) == "");
    check_home_as_it_was();
    check_state_is_empty();
  }
}

BOOST_AUTO_TEST_CASE(a_marked_device_without_peer_comes_home_from_where_it_was_moved_on_to) {
  for (const Kind& kind : kKinds) {
    for (const bool borrower_lives : {true, false}) {
      BOOST_TEST_CONTEXT(kind.name << (borrower_lives ? " of the living" : " of the dead")) {
        Sleeper borrowing;
        const Sleeper nested;
        sh(kind.make);
        const std::string before = observe("own0");
        lend(context(), plan("eth0=own0 addr=10.78.0.2/24"), borrower_of(borrowing));
        borrowing.sh("ip link set eth0 netns " + std::to_string(nested.pid()));
        // Whatever index it gets there.
        nested.sh("ip link set eth0 name mine0 up");
        if (!borrower_lives) borrowing.kill();
        BOOST_TEST(joined(give_all_back()) == "");
        BOOST_TEST(observe("own0") == before);
        check_state_is_empty();
        sh("ip link del own0");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_device_that_it_moved_on_to_a_named_namespace_comes_home_by_reap) {
  sh("ip link add own0 type ifb; ip netns add green");
  const std::string before = observe("own0");
  lend(context(), plan("eth0=own0"), borrower());
  container.sh("ip link set eth0 netns green");
  container.kill();
  BOOST_TEST(netlend::reap(context(), ReapScope::dead).empty());
  BOOST_TEST(observe("own0") == before);
  check_state_is_empty();
  sh("ip netns delete green");
}

BOOST_AUTO_TEST_CASE(a_device_comes_home_from_a_namespace_that_a_process_only_has_open) {
  sh("ip link add own0 type ifb");
  lend(context(), plan("eth0=own0"), borrower());
  const netlend::Netns open = netlend::Netns::create();
  container.sh("ip link set eth0 netns /proc/" + std::to_string(::getpid()) + "/fd/" +
               std::to_string(open.fd()));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip link show own0"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_virtual_device_without_peer_comes_home_without_its_mark) {
  sh("ip link add ifb7 type ifb");
  lend(context(), plan("eth0=ifb7"), borrower());
  container.sh(
      "ip link property del dev eth0 altname $(ip -j link show eth0 | grep -o netlend-[0-9a-f]*)");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip link show ifb7"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_device_that_it_deleted_is_reported_as_gone) {
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh("ip link del eth0");
  const auto failures = joined(give_all_back());
  BOOST_TEST(failures.find("'lan0'") != std::string::npos);
  BOOST_TEST(failures.find("deleted or moved on") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_dead_borrower_whose_namespace_somebody_keeps_is_no_obstacle) {
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower());
  const netlend::Netns leaked = netlend::Netns::of_process(container.pid());
  container.kill();
  BOOST_TEST(netlend::reap(context(), ReapScope::dead).empty());
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_living_borrower_is_left_alone_by_reap) {
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(netlend::reap(context(), ReapScope::dead).empty());
  BOOST_TEST(!succeeds("ip link show lan0"));
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_name_that_was_taken_at_home_meanwhile_is_reported_and_retried) {
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip link add lan0 type veth peer name thief1");
  const auto failures = joined(give_all_back());
  BOOST_TEST(failures.starts_with(
      "restore the names of 'lan0': device 'lan0' has taken the name 'lan0' meanwhile; give that "
      "another name, then run 'netlend reap'"));
  // It is there, with its addresses, under a name that the kernel picked.
  BOOST_TEST(succeeds("ip -br addr | grep '^netlend[0-9]*@' | grep -q 10.77.0.1/24"));

  sh("ip link del lan0");
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(an_altname_that_was_taken_at_home_meanwhile_is_reported_and_retried) {
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip link add thief0 type veth peer name thief1; ip link property add dev thief0 altname "
     "lan-left");
  BOOST_TEST(joined(give_all_back())
                 .starts_with("restore the names of 'lan0': device 'thief0' has taken the name "
                              "'lan-left' meanwhile"));
  sh("ip link del thief0");
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_index_that_was_taken_at_home_meanwhile_costs_only_the_index) {
  const int index = snapshot("lan0").link.ifindex.value;
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip link add thief0 index " + std::to_string(index) + " type veth peer name thief1");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip addr show lan0 | grep -q 10.77.0.1/24"));
}

BOOST_AUTO_TEST_SUITE_END()
