// Borrowers that are not who they were, or not at all any more.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "fault/scene.hpp"

using netlend::ReapScope;
using netlend::test::joined;
using netlend::test::says;
using netlend::test::Scene;
using netlend::test::sh;
using netlend::test::Sleeper;

namespace {
constexpr const char* kMark = "$(ip -j link show eth0 | grep -o netlend-[0-9a-f]*)";

/// The next process of this pid namespace gets `pid`, if that is free. Source: proc(5).
void make_next_pid(pid_t pid) { std::ofstream("/proc/sys/kernel/ns_last_pid") << pid - 1; }
}  // namespace

BOOST_FIXTURE_TEST_SUITE(borrowers, Scene)

BOOST_AUTO_TEST_CASE(whose_pid_was_given_to_another_are_dead_and_that_one_is_left_alone) {
  Sleeper mortal;
  lend(context(), Lab::plan("eth0=lan0 addr=10.77.0.2/24"), borrower_of(mortal));
  const pid_t pid = mortal.pid();
  mortal.kill();
  make_next_pid(pid);
  const Sleeper heir;
  BOOST_REQUIRE(heir.pid() == pid);
  heir.sh("ip link add eth0 type ifb; ip addr add 10.77.0.2/24 dev eth0");
  const std::string before = heir.sh("ip addr show dev eth0");
  BOOST_TEST(reap(context(), ReapScope::dead).empty());
  BOOST_TEST(difference() == "");
  BOOST_TEST(heir.sh("ip addr show dev eth0") == before);
}

BOOST_AUTO_TEST_CASE(whose_namespace_is_gone_with_a_veth_are_told_of_and_closed) {
  Sleeper mortal;
  sh("ip link add lan1 type veth peer name far1");
  lend(context(), Lab::plan("eth0=lan1"), borrower_of(mortal));
  sh("umount -l " + state().path() + "/pins/*");
  mortal.kill();
  // The kernel destroys it when it comes to it.
  while (netlend::test::succeeds("ip link show far1")) {
  }
  BOOST_TEST(joined(give_all_back()) ==
             "device 'lan1' (lent to 'db1' as 'eth0') was deleted, its other end with it; its loan "
             "is closed");
  BOOST_TEST(difference() == "");
}

BOOST_AUTO_TEST_CASE(that_hid_a_device_without_a_peer_for_good_are_told_of) {
  Sleeper mortal;
  const Sleeper nested;
  nested.sh("for i in 1 2 3 4 5 6 7 8 9; do ip link add other$i type ifb; done");
  lend(context(), Lab::plan("eth0=mac0"), borrower_of(mortal));
  // Moved on, under another index and without our mark, while no guardian followed it.
  mortal.sh(std::string("ip link property del dev eth0 altname ") + kMark +
            "; ip link set eth0 netns " + std::to_string(nested.pid()));
  mortal.kill();
  const std::string said = joined(give_all_back());
  BOOST_TEST(says(said,
                  "device 'mac0' (lent to 'db1' as 'eth0') is neither at home nor in the "
                  "borrower's namespace: it was deleted or moved on"),
             said);
}

BOOST_AUTO_TEST_SUITE_END()
