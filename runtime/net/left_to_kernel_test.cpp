// Devices that came by linux.netDevices. What the kernel does with hardware is in
// integration/guest/physical_test.sh: it destroys the veths that are lent here.
#include "net/ledger/ledger.hpp"
#include "net/lending_fixture.hpp"

using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::says;
using netlend::test::sh;

namespace {
/// As the runtime lends what linux.netDevices names.
netlend::Plan network_device(const std::string& name_inside) {
  netlend::Plan plan = Lab::plan("x=lan0 keep=addresses");
  plan.nics[0].inside = netlend::InterfaceName::with_number(name_inside);
  return plan;
}

/// As it does once the container is made.
std::string lend_and_leave(const netlend::LendingContext& context, const netlend::Plan& plan,
                           const netlend::Borrower& borrower) {
  auto ledger = lend(context, plan, borrower);
  leave_to_kernel(context, ledger);
  return ledger;
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(left_to_kernel, Lab)

BOOST_AUTO_TEST_CASE(it_is_up_and_has_its_permanent_global_addresses_of_both_families) {
  lend_and_leave(context(), network_device("eth0"), borrower());
  const std::string inside = container.sh("ip -br addr show dev eth0");
  for (const char* address : {"10.77.0.1/24", "10.77.0.3/24", "2001:db8:77::1/64"}) {
    BOOST_TEST(says(inside, address), address << " in " << inside);
  }
  BOOST_TEST(says(container.sh("ip link show dev eth0"), "UP"));
  BOOST_TEST(says(container.sh("ip link show dev eth0"), "mtu 1400"));
  container.kill();
  give_all_back();
}

BOOST_AUTO_TEST_CASE(the_kernel_puts_a_number_into_its_name) {
  container.sh("ip link add eth0 type veth peer name eth1");
  lend_and_leave(context(), network_device("eth%d"), borrower());
  BOOST_TEST(says(container.sh("ip -br addr show dev eth2"), "10.77.0.1/24"));
  container.kill();
  give_all_back();
}

BOOST_AUTO_TEST_CASE(the_kernel_puts_a_number_into_its_name_also_where_its_own_is_taken) {
  container.sh("ip link add lan0 type veth peer name eth0");
  lend_and_leave(context(), network_device("eth%d"), borrower());
  BOOST_TEST(says(container.sh("ip -br addr show dev eth1"), "10.77.0.1/24"));
  container.kill();
  give_all_back();
}

BOOST_AUTO_TEST_CASE(it_is_never_moved_out_while_the_namespace_lives) {
  const auto name = lend_and_leave(context(), network_device("eth0"), borrower());
  BOOST_TEST(sh("findmnt --list --noheadings --output TARGET | grep /pins/ || true") == "");
  BOOST_TEST(give_back(listening(), name).empty());
  BOOST_TEST(says(joined(notes), "device 'lan0' came by linux.netDevices and stays with 'db1'"),
             joined(notes));
  BOOST_TEST(says(container.sh("ip -br addr show dev eth0"), "10.77.0.1/24"));
  BOOST_TEST(!ledgers_of(state(), netlend::ContainerId{"db1"}).empty());
  container.kill();
  BOOST_TEST(says(joined(give_all_back()),
                  "ended with that container's network namespace; its loan is closed"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_is_virtual_without_another_end_ended_with_the_namespace) {
  sh("ip link add ifb7 type ifb");
  netlend::Plan plan = Lab::plan("eth0=ifb7");
  lend_and_leave(context(), plan, borrower());
  container.kill();
  BOOST_TEST(says(joined(give_all_back()),
                  "device 'ifb7' (lent to 'db1' as 'eth0') ended with that container's network "
                  "namespace; its loan is closed"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(before_it_is_left_to_the_kernel_it_comes_home) {
  lend(context(), network_device("eth0"), borrower());
  container.kill();
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(who_was_killed_while_he_left_it_there_holds_up_no_namespace) {
  const auto name = lend(context(), network_device("eth0"), borrower());
  auto ledger = load_ledger(state(), name).value();
  ledger.is_left_to_kernel = true;
  save_ledger(state(), ledger);
  container.kill();
  BOOST_TEST(says(joined(give_all_back()), "ended with that container's network namespace"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
