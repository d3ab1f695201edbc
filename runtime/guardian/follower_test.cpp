#include "guardian/follower.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/syscall.hpp"
#include "guardian/guarded_fixture.hpp"

using netlend::ProcessIdentity;
using netlend::UniqueFd;
using netlend::test::Guarded;
using netlend::test::joined;
using netlend::test::observe;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

namespace {
/// With "own0" at home, which is lent as eth0.
class Following : public Guarded {
 public:
  void lend_own(const Sleeper& borrowing, const std::string& make) {
    sh(make);
    before_ = observe("own0");
    guardian_ = lend_and_leave(borrower_of(borrowing), "eth0=own0");
  }
  static void unmark(const Sleeper& where) {
    where.sh(
        "ip link property del dev eth0 altname $(ip -j link show eth0 | grep -o "
        "netlend-[0-9a-f]*)");
  }
  /// Without its mark, and to another index than it had.
  static void move_on(const Sleeper& from, const Sleeper& to) {
    unmark(from);
    from.sh("ip link set eth0 netns " + std::to_string(to.pid()) + " index " +
            std::to_string(++index_of_last));
  }
  /// Until the guardian has found it there.
  static void wait_for_mark(const Sleeper& where) {
    const auto deadline = netlend::monotonic_ms() + kTimeoutMs;
    while (where.sh("ip -j link show eth0 | grep -c netlend- || true") == "0") {
      BOOST_REQUIRE(netlend::monotonic_ms() < deadline);
    }
  }
  void check_it_comes_home() {
    wait_for_end(guardian_, kHomeWithinMs);
    BOOST_REQUIRE(succeeds("ip link show own0"));
    BOOST_TEST(observe("own0") == before_);
    check_state_is_empty();
    sh("ip link del own0");
  }

  const Sleeper nested;

 private:
  inline static int index_of_last = 70;
  std::string before_;
  ProcessIdentity guardian_;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(follower, Following)

BOOST_AUTO_TEST_CASE(what_was_unmarked_and_moved_on_comes_home_at_the_borrowers_death) {
  for (const char* make :
       {"ip link add own0 type ifb", "ip link add own0 link lan0 type macvlan"}) {
    BOOST_TEST_CONTEXT(make) {
      Sleeper borrowing;
      lend_own(borrowing, make);
      move_on(borrowing, nested);
      wait_for_mark(nested);
      // It knows the device without.
      unmark(nested);
      borrowing.kill();
      check_it_comes_home();
    }
  }
}

BOOST_AUTO_TEST_CASE(what_was_moved_on_outlives_whoever_was_there) {
  for (const char* make :
       {"ip link add own0 type ifb", "ip link add own0 type veth peer name own1"}) {
    BOOST_TEST_CONTEXT(make) {
      Sleeper borrowing;
      Sleeper short_lived;
      lend_own(borrowing, make);
      move_on(borrowing, short_lived);
      wait_for_mark(short_lived);
      short_lived.kill();
      borrowing.kill();
      check_it_comes_home();
    }
  }
}

BOOST_AUTO_TEST_CASE(what_was_moved_on_twice_and_back_comes_home) {
  lend_own(container, "ip link add own0 type ifb");
  move_on(container, nested);
  wait_for_mark(nested);
  move_on(nested, neighbour);
  wait_for_mark(neighbour);
  move_on(neighbour, container);
  wait_for_mark(container);
  unmark(container);
  container.kill();
  check_it_comes_home();
}

BOOST_AUTO_TEST_CASE(what_was_unmarked_and_moved_on_is_returned_from_the_living) {
  lend_own(container, "ip link add own0 type ifb");
  move_on(container, nested);
  wait_for_mark(nested);
  BOOST_TEST(joined(give_all_back()) == "");
  check_it_comes_home();
}

BOOST_AUTO_TEST_CASE(a_move_that_the_borrower_made_up_is_not_believed) {
  lend_own(container, "ip link add own0 type ifb");
  netlend::Site inside{netlend::Netns::of_process(container.pid())};
  const auto eth0 = find_link(inside.socket, std::string("eth0"));
  struct {
    nlmsghdr header{.nlmsg_len = sizeof *this,
                    .nlmsg_type = RTM_DELLINK,
                    .nlmsg_flags = 0,  // The kernel, which gets it too, takes only requests.
                    .nlmsg_seq = 0,
                    .nlmsg_pid = 0};
    ifinfomsg device{};
    nlattr nsid_head{.nla_len = 8, .nla_type = IFLA_NEW_NETNSID};
    std::uint32_t nsid = 99;
    nlattr ifindex_head{.nla_len = 8, .nla_type = IFLA_NEW_IFINDEX};
    std::uint32_t ifindex = 99;
  } made_up;
  made_up.device.ifi_index = eth0->ifindex.value;
  sockaddr_nl listeners{};
  listeners.nl_family = AF_NETLINK;
  listeners.nl_groups = RTMGRP_LINK;
  netlend::run_in_netns(inside.netns, [&] {
    const UniqueFd sender{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    netlend::check(::sendto(sender.get(), &made_up, sizeof made_up, 0,
                            reinterpret_cast<const sockaddr*>(&listeners), sizeof listeners),
                   "send", "a made up move");
  });
  move_on(container, nested);
  wait_for_mark(nested);
  container.kill();
  check_it_comes_home();
}

BOOST_AUTO_TEST_CASE(a_mark_on_another_device_is_taken_off_that) {
  lend_own(container, "ip link add own0 type ifb");
  const std::string mark = container.sh("ip -j link show eth0 | grep -o netlend-[0-9a-f]*");
  nested.sh("ip link add decoy0 type ifb; ip link property add dev decoy0 altname " + mark);
  move_on(container, nested);
  while (succeeds("nsenter -t " + std::to_string(nested.pid()) +
                  " -n ip link show decoy0 | grep -q netlend-")) {
  }
  wait_for_mark(nested);
  container.kill();
  check_it_comes_home();
  BOOST_TEST(nested.sh("ip -br link | grep -o decoy0") == "decoy0");
}

BOOST_AUTO_TEST_SUITE_END()
