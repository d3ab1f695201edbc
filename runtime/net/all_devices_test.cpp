// Home changes all its devices while one is away: that one, too. A device that stayed is what the
// kernel itself makes of it.
#include "base/text.hpp"
#include "net/lending_fixture.hpp"

using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::sh;

namespace {
std::string settings_of(const std::string& device) {
  return sh("cd /proc/sys/net; grep . ipv4/conf/" + device + "/forwarding ipv6/conf/" + device +
            "/forwarding ipv6/conf/" + device + "/disable_ipv6 | sed 's/.*://'");
}

/// lan0, away while that was done at home, against stay0, which wasn't.
void check_follows(Lab& lab, const std::string& deed) {
  sh("ip link add stay0 type veth peer name stay1");
  lend(lab.context(), Lab::plan("eth0=lan0"), lab.borrower());
  sh(deed);
  BOOST_TEST(joined(lab.give_all_back()) == "");
  BOOST_TEST(settings_of("lan0") == settings_of("stay0"));
  lab.check_state_is_empty();
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(all_devices_of_home, Lab)

BOOST_AUTO_TEST_CASE(home_that_becomes_a_router_routes_by_it) {
  check_follows(*this, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
}

BOOST_AUTO_TEST_CASE(home_that_is_a_router_no_more_does_not_route_by_it) {
  sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  check_follows(*this, "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0");
}

BOOST_AUTO_TEST_CASE(home_that_switches_ipv6_off_has_none_by_it) {
  check_follows(*this, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
  BOOST_TEST(sh("ip -6 addr show dev lan0; ip -6 route show dev lan0 table all") == "");
}

BOOST_AUTO_TEST_SUITE_END()
