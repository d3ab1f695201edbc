#include <unistd.h>

#include "net/ledger/ledger.hpp"
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
/// For a shell inside: the mark of a device, as `ip` shows it.
std::string mark_of(const std::string& device) {
  return "$(ip -j link show " + device + " | grep -o netlend-[0-9a-f]*)";
}

/// What a borrower with CAP_NET_ADMIN can do to two devices that it has.
std::string exchange_marks(const std::string& one, const std::string& other) {
  return "a=" + mark_of(one) + "; b=" + mark_of(other) + "; ip link property del dev " + one +
         " altname $a; ip link property del dev " + other +
         " altname $b; ip link property add dev " + one + " altname $b; ip link property add dev " +
         other + " altname $a";
}

/// Deletes eth0 and makes another with all that can be given it.
std::string fake(const std::string& kind) {
  return "mark=" + mark_of("eth0") +
         "; set -- $(ip -o link show eth0 | tr -d :); index=$1; "
         "mac=$(ip -br link show eth0 | grep -o ..:..:..:..:..:..); ip link del eth0; "
         "ip link add eth0 index $index address $mac type " +
         kind + "; ip link property add dev eth0 altname $mark";
}

class Exchange : public Lab {
 public:
  /// Lends "one0" and "two0" by two loans, exchanges their marks inside, and returns both.
  void check_both_come_home(const std::string& make) {
    sh(make);
    const std::string one = observe("one0");
    const std::string two = observe("two0");
    lend(context(), plan("a0=one0"), borrower("db1"));
    lend(context(), plan("b0=two0"), borrower("db2"));
    container.sh(exchange_marks("a0", "b0"));
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(observe("one0") == one);
    BOOST_TEST(observe("two0") == two);
    check_state_is_empty();
  }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(exchanged_devices, Exchange)

BOOST_AUTO_TEST_CASE(what_is_lent_to_a_namespace_is_not_lent_on_from_there) {
  const Sleeper third;
  lend(context(), plan("eth0=lan0"), borrower());
  run_in_netns(netlend::Netns::of_process(container.pid()), [&] {
    BOOST_CHECK_EXCEPTION(
        lend(context(), plan("eth1=eth0"), borrower_of(third, "db2")), netlend::Error,
        [](const netlend::Error& error) {
          const std::string what = error.what();
          return what.starts_with("device 'eth0' can't be lent on: it is 'lan0' of network ") &&
                 what.ends_with("'netlend return lan0' brings it home, to be lent from there");
        });
  });
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_was_moved_on_is_not_lent_on_from_there) {
  const Sleeper third;
  const Sleeper nested;
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh("ip link set eth0 netns " + std::to_string(nested.pid()));
  run_in_netns(netlend::Netns::of_process(nested.pid()), [&] {
    BOOST_CHECK_THROW(lend(context(), plan("eth1=eth0"), borrower_of(third, "db2")),
                      netlend::Error);
  });
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(two_ends_of_a_pair_come_home_as_themselves) {
  check_both_come_home("ip link add one0 type veth peer name two0");
}

BOOST_AUTO_TEST_CASE(two_tunnels_come_home_as_themselves) {
  check_both_come_home(
      "ip link add one0 type vxlan id 10 remote 10.77.0.9 dstport 4789; "
      "ip link add two0 type vxlan id 20 remote 10.77.0.9 dstport 4790");
}

BOOST_AUTO_TEST_CASE(a_pair_of_its_own_is_not_taken_for_one_whose_other_end_is_not_at_home) {
  // The other end has the index that a device of home's has.
  sh("ip link add own0 index 50 type veth peer name far0 index 50 netns " +
     std::to_string(neighbour.pid()));
  lend(context(), plan("eth0=own0"), borrower());
  container.sh(fake("veth peer name z index 77"));
  BOOST_TEST(joined(give_all_back())
                 .find("device 'own0' (lent to 'db1' as 'eth0') is neither at "
                       "home nor in the borrower's namespace") != std::string::npos);
  BOOST_TEST(!succeeds("ip link show own0"));
}

BOOST_AUTO_TEST_CASE(a_pair_of_its_own_is_not_taken_for_one_whose_other_end_is_lent_to_another) {
  for (const bool is_nested : {false, true}) {
    const Sleeper other;
    const Sleeper nested;
    sh("ip link add own0 type veth peer name own1");
    lend(context(), plan("eth0=own0"), borrower());
    lend(context(), plan("eth1=own1"), borrower_of(other, "db2"));
    container.sh(fake(is_nested ? "veth peer name z index 77 netns " + std::to_string(nested.pid())
                                : "veth peer name z index 77"));
    const std::string told = joined(give_all_back());
    for (const std::string name : {"'own0' (lent to 'db1'", "'own1' (lent to 'db2'"}) {
      BOOST_TEST(says(told, "device " + name), told);
    }
    BOOST_TEST(!succeeds("ip link show own0"));
    for (const auto& ledger : list_ledgers(state())) {
      give_back(context(), ledger, netlend::Leftover::forget);
    }
    check_state_is_empty();
    container.sh("ip link del eth0");
  }
}

BOOST_AUTO_TEST_CASE(an_end_comes_home_while_the_other_is_moved_on_by_its_borrower) {
  const Sleeper other;
  const Sleeper nested;
  sh("ip link add own0 type veth peer name own1");
  const auto own0 = lend(context(), plan("eth0=own0"), borrower());
  lend(context(), plan("eth1=own1"), borrower_of(other, "db2"));
  other.sh("ip link set eth1 netns " + std::to_string(nested.pid()));
  BOOST_TEST(give_back(context(), own0).empty());
  BOOST_TEST(succeeds("ip link show own0"));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip link show own1"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_its_own_is_not_taken_for_one_of_home) {
  sh("ip link add own0 type vxlan id 10 remote 10.77.0.9 dstport 4789");
  lend(context(), plan("eth0=own0"), borrower());
  container.sh(fake("vxlan id 10 remote 10.77.0.9 dstport 4789"));
  BOOST_TEST(joined(give_all_back()).find("is neither at home nor in the borrower's namespace") !=
             std::string::npos);
  BOOST_TEST(!succeeds("ip link show own0"));
}

BOOST_AUTO_TEST_CASE(a_tap_of_its_own_is_not_taken_or_told) {
  const std::string remake =
      "mark=" + mark_of("eth0") +
      "; mac=$(ip -br link show eth0 | grep -o ..:..:..:..:..:..); ip link del eth0; ip tuntap add "
      "eth0 mode ";
  const std::string mark =
      "; ip link set eth0 address $mac; ip link property add dev eth0 altname "
      "$mark";
  sh("test -c /dev/net/tun || { mkdir -p /dev/net; mknod /dev/net/tun c 10 200; };"
     "ip tuntap add own0 mode tap");
  lend(context(), plan("eth0=own0"), borrower());
  container.sh(remake + "tap user 1000" + mark);
  BOOST_TEST(says(joined(give_all_back()),
                  "device 'own0' is home, but user (tun) is 1000, was none at home"));
  give_back(context(), list_ledgers(state()).at(0), netlend::Leftover::forget);
  lend(context(), plan("eth0=own0"), borrower());
  container.sh(remake + "tap multi_queue" + mark);
  BOOST_TEST(says(joined(give_all_back()), "is neither at home nor in the borrower's namespace"));
  BOOST_TEST(!succeeds("ip link show own0"));
}

BOOST_AUTO_TEST_CASE(what_its_borrower_sent_home_is_put_right_by_reap) {
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower());
  const netlend::Netns home = netlend::Netns::current();
  container.sh("ip link set eth0 netns /proc/" + std::to_string(::getpid()) + "/fd/" +
               std::to_string(home.fd()));
  BOOST_TEST(netlend::reap(context(), ReapScope::dead).empty());
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
