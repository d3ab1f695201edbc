#include "cli/show_text.hpp"

#include <linux/if.h>

#include <boost/test/unit_test.hpp>

#include "net/kernel/address.hpp"

namespace netlend::cli {

namespace {
DeviceView make_device(int ifindex, const std::string& name) {
  DeviceView device;
  LinkState& link = device.state.link;
  link.ifindex = IfIndex{ifindex};
  link.name = name;
  link.flags = IFF_UP;
  link.has_carrier = true;
  link.mtu_bytes = 1400;
  link.address = std::string("\x02\x00\x00\x00\x00\x01", 6);
  link.kind = "veth";
  return device;
}

Ledger make_ledger() {
  Ledger ledger;
  ledger.id = ContainerId{"box"};
  ledger.netns_path = "/run/netns/box";
  Loan loan;
  loan.id = "0123456789abcdef";
  loan.inside = "eth0";
  loan.stage = Stage::ready;
  loan.home = make_device(4, "lan0").state;
  ledger.loans.push_back(loan);
  return ledger;
}

std::string text_of(const Observation& observation) {
  // /run is this program's own (integration/support).
  const StateDirectory state{"/run/state-shown"};
  const ContainerStore containers{"/run/containers-shown"};
  return format_text({.state = state, .containers = containers}, observation);
}
}  // namespace

BOOST_AUTO_TEST_SUITE(show_text)

BOOST_AUTO_TEST_CASE(a_device_has_its_facts_in_one_line_and_the_rest_below) {
  DeviceView device = make_device(4, "lan0");
  device.state.link.altnames = {"uplink"};
  device.state.link.alias = "to the LAN";
  device.master_name = "br0";
  device.state.addresses.push_back(make_address(IpPrefix{"10.0.0.1/24"}, true));
  Observation observation;
  observation.namespaces.push_back(
      {.role = Role::home, .name = "", .identity = {}, .devices = {device}});
  BOOST_TEST(text_of(observation) ==
             "home\n"
             "    4  lan0  up, mtu 1400, 02:00:00:00:00:01, veth\n"
             "       altname    uplink\n"
             "       alias      to the LAN\n"
             "       master     br0\n"
             "       address    10.0.0.1/24 brd 10.0.0.255 scope global\n");
}

BOOST_AUTO_TEST_CASE(a_loan_is_named_at_home_and_at_its_borrowers) {
  DeviceView away = make_device(4, "eth0");
  away.state.link.altnames = {"netlend-0123456789abcdef"};
  away.loan_id = "0123456789abcdef";
  Observation observation;
  observation.namespaces.push_back({.role = Role::home, .name = "", .identity = {}, .devices = {}});
  observation.namespaces.push_back({.role = Role::borrower,
                                    .name = "box (/run/netns/box)",
                                    .identity = {.inode = 2},
                                    .devices = {away}});
  observation.ledgers.push_back(make_ledger());
  BOOST_TEST(text_of(observation) ==
             "home\n"
             "  lent  lan0  to box (/run/netns/box) as 'eth0', comes home by 'netlend reap'\n"
             "\n"
             "borrower box (/run/netns/box)\n"
             "    4  eth0  up, mtu 1400, 02:00:00:00:00:01, veth\n"
             "       borrowed   'lan0' of home, ready\n");
}

BOOST_AUTO_TEST_CASE(hostile_names_cannot_write_to_the_terminal) {
  DeviceView device = make_device(4, "a\x1b[2J");
  device.state.link.alias = "x\ny";
  Observation observation;
  observation.namespaces.push_back(
      {.role = Role::home, .name = "", .identity = {}, .devices = {device}});
  const std::string text = text_of(observation);
  BOOST_TEST(text.find('\x1b') == std::string::npos);
  BOOST_TEST(text.find("alias      x\\x0ay\n") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
