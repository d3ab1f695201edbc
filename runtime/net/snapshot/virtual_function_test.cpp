// A lent virtual function whose physical function is at home. The ports of netdevsim are devices of
// one bus, and one of them has virtual functions; that these are others of its ports, only a folder
// of links says, as PCI's says it of cards.
#include "net/snapshot/virtual_function.hpp"

#include <unistd.h>

#include <boost/test/tree/decorator.hpp>
#include <boost/test/unit_test.hpp>

#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

namespace unit_test = boost::unit_test;
using netlend::Failures;
using netlend::FunctionBus;
using netlend::LinkState;
using netlend::Netns;
using netlend::Site;
using netlend::test::says;
using netlend::test::sh;

namespace {
constexpr const char* kNewDevice = "/sys/bus/netdevsim/new_device";

boost::test_tools::assertion_result has_netdevsim(unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(::access(kNewDevice, W_OK) == 0);
  result.message() << "needs a kernel with netdevsim ('make test-guest')";
  return result;
}

/// "pf0" has two virtual functions, of which "vf0" is the second.
struct Card {
  Card() {
    netlend::test::enter_new_netns();
    sh("cd /sys/bus/netdevsim; echo 91 1 > new_device; echo 92 1 > new_device;"
       "echo 2 > devices/netdevsim91/sriov_numvfs;"
       "ip link set $(ls devices/netdevsim91/net) name pf0;"
       "ip link set $(ls devices/netdevsim92/net) name vf0;"
       "rm -rf /run/functions; mkdir -p /run/functions/netdevsim91 /run/functions/netdevsim92;"
       "cd /run/functions; ln -s ../other netdevsim91/virtfn0;"
       "ln -s ../netdevsim92 netdevsim91/virtfn1; ln -s ../netdevsim91 netdevsim92/physfn");
    sh("ip link set pf0 vf 1 mac 02:00:00:00:0f:01 vlan 7 qos 3 max_tx_rate 200 min_tx_rate 100 "
       "spoofchk off trust on state disable");
    home.emplace(Netns::current());
  }
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;
  Card(Card&&) = delete;
  Card& operator=(Card&&) = delete;
  ~Card() { sh("cd /sys/bus/netdevsim; echo 91 > del_device; echo 92 > del_device"); }

  LinkState link(const std::string& name) {
    auto found = find_link(home->socket, name);
    BOOST_REQUIRE(found.has_value());
    return *std::move(found);
  }
  static std::string settings() { return sh("ip link show pf0 | grep 'vf 1 '"); }

  std::optional<Site> home;
  const FunctionBus bus{.name = "netdevsim", .devices = "/run/functions"};
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(virtual_functions, Card, *unit_test::precondition(has_netdevsim))

BOOST_AUTO_TEST_CASE(what_its_physical_function_says_of_it_is_found_and_set_again) {
  const auto own = find_own_function(*home, link("vf0"), bus);
  BOOST_REQUIRE(own.has_value());
  BOOST_TEST(own->physical == "netdevsim91");
  BOOST_TEST(describe_function(own->function) == "virtual function 1");

  const std::string before = settings();
  BOOST_TEST(says(before, "02:00:00:00:0f:01"), before);
  sh("ip link set pf0 vf 1 mac 02:00:00:00:0f:99 vlan 0 max_tx_rate 0 min_tx_rate 0 spoofchk on "
     "trust off state auto");
  BOOST_TEST(settings() != before);

  Failures failures;
  const std::string name = "vf0";
  netlend::Restoration restoration{*home, link("vf0").ifindex, name, {}, failures};
  restore_own_function(restoration, *own, bus);
  BOOST_TEST(failures.empty());
  BOOST_TEST(settings() == before);
}

BOOST_AUTO_TEST_CASE(a_physical_function_that_is_not_at_home_is_a_failure_and_no_end) {
  const auto own = find_own_function(*home, link("vf0"), bus);
  BOOST_REQUIRE(own.has_value());
  const netlend::test::Sleeper other;
  sh("ip link set pf0 netns " + std::to_string(other.pid()));
  BOOST_TEST(!find_own_function(*home, link("vf0"), bus).has_value());

  Failures failures;
  const std::string name = "vf0";
  netlend::Restoration restoration{*home, link("vf0").ifindex, name, {}, failures};
  restore_own_function(restoration, *own, bus);
  BOOST_REQUIRE(failures.size() == 1U);
  BOOST_TEST(says(failures[0].what, "its physical function netdevsim91 is not at home"),
             failures[0].what);
}

BOOST_AUTO_TEST_CASE(what_is_no_virtual_function_has_none) {
  BOOST_TEST(!find_own_function(*home, link("pf0"), bus).has_value());
  BOOST_TEST(!find_own_function(*home, link("vf0")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
