#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"

using netlend::Borrower;
using netlend::Force;
using netlend::test::advertise_router;
using netlend::test::ask_listener;
using netlend::test::error_of;
using netlend::test::is_killed_at;
using netlend::test::is_killed_when;
using netlend::test::Lan;
using netlend::test::Listener;
using netlend::test::reaches;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
netlend::Plan device_plan(const std::string& spec) {
  netlend::Plan plan;
  plan.nics.push_back(netlend::parse_nic_spec(spec));
  return plan;
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(address_failures, Lan)

BOOST_AUTO_TEST_CASE(what_went_with_its_device_is_refused_with_who_has_that) {
  sh("ip link add spare0 type veth peer name spare1; ip addr add 10.7.0.1/24 dev spare0");
  lend(context(), device_plan("eth0=spare0"), borrower_of(c1, "c1"));
  BOOST_TEST(says(error_of([&] { lend_to_c2("10.7.0.1"); }),
                  "'10.7.0.1' is not lent: its device 'spare0' is lent to 'c1'"));
  BOOST_TEST(give_all_back() == "");
}

BOOST_AUTO_TEST_CASE(a_name_that_an_earlier_loan_has_inside_is_refused_with_what_to_do) {
  const auto borrower = [&] { return borrower_of(c1, "c1"); };
  lend(context(), plan("10.9.0.11"), borrower());
  BOOST_TEST(says(error_of([&] { lend(context(), plan("10.9.0.12"), borrower()); }),
                  "the name 'eth0' is taken in 'c1' already, by the loan of '10.9.0.11'; choose "
                  "another by as=NAME, or bring that home by 'netlend return 10.9.0.11'"));
  BOOST_TEST(give_all_back() == "");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_lent_is_refused_by_name_and_reason) {
  const auto refusal = [&](const std::string& spec) { return error_of([&] { lend_to_c1(spec); }); };
  BOOST_TEST(says(refusal("10.9.0.13"), "'10.9.0.13' is not lent: no device here has it"));
  BOOST_TEST(says(refusal("10.9.0.11 via=lo"), "device 'lo' doesn't have it, but 'up0' does"));
  BOOST_TEST(says(refusal("10.9.0.11 via=up9"), "there is no device 'up9' here"));
  sh("ip link add spare0 type veth peer name spare1; ip link set spare0 up; ip addr add "
     "10.9.0.11/32 dev spare0");
  BOOST_TEST(says(refusal("10.9.0.11"), "'up0' and 'spare0' have it; say which by via=DEVICE"));
  sh("ip link del spare0");
  sh("ip addr add 10.8.0.1/24 dev lo");
  BOOST_TEST(says(refusal("10.8.0.1"), "it is on the loopback device"));
  sh("ip addr del 10.8.0.1/24 dev lo");
  BOOST_TEST(says(refusal("10.9.0.1 10.9.0.11 10.9.0.12"), "it is the last of its network"));
  BOOST_TEST(says(refusal("fd09::1 fd09::11 fd09::12"), "it is the last of its network"));
  sh("ip addr add 203.0.113.9/32 dev up0");
  BOOST_TEST(says(refusal("10.9.0.1 10.9.0.11 10.9.0.12"), "it is the last of its network"));
  sh("ip addr del 203.0.113.9/32 dev up0");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(home_speaks_from_none_that_another_loan_of_the_plan_takes) {
  netlend::Plan both = plan("10.9.0.1 fd09::1");
  both.addresses.push_back(plan("10.9.0.11 fd09::11 as=web0").addresses.front());
  lend(context(), both, borrower_of(c1, "c1"));
  BOOST_TEST(says(sh("ip route show 10.9.0.0/24"), "src 10.9.0.12"));
  for (const std::string address : {"10.9.0.12", "fd09::12"}) {
    BOOST_TEST(reaches(c1, address), address);
    BOOST_TEST(reaches(neighbour, address), address);
  }
  BOOST_TEST(give_all_back() == "");
  both.addresses.push_back(plan("10.9.0.12 as=web1").addresses.front());
  BOOST_TEST(says(error_of([&] { lend(context(), both, borrower_of(c1, "c1")); }),
                  "'10.9.0.1' is not lent: it is the last of its network"));
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_tentative_address_is_refused) {
  sh("echo 1 > /proc/sys/net/ipv6/conf/up0/accept_dad; ip addr add fd09::13/64 dev up0");
  BOOST_TEST(
      says(error_of([&] { lend_to_c1("fd09::13"); }), "'fd09::13' is not lent: it is tentative"));
}

BOOST_AUTO_TEST_CASE(one_address_is_lent_once) {
  lend_to_c1("10.9.0.11 fd09::11");
  for (const std::string spec : {"10.9.0.11", "fd09::11", "10.9.0.12 10.9.0.11"}) {
    BOOST_TEST(says(error_of([&] { lend_to_c2(spec); }), "is lent to 'c1'"), spec);
  }
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_whose_address_is_lent_stays_here) {
  lend_to_c1("10.9.0.11");
  netlend::Plan device = device_plan("eth0=up0");
  BOOST_TEST(error_of([&] { lend(context(), device, borrower_of(c2, "c2")); }) ==
             "device 'up0' is not lent: its address '10.9.0.11' is lent to 'c1'");
  device.addresses.push_back(netlend::parse_l3_spec("10.9.0.12 as=web0"));
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(error_of([&] { lend(context(), device, borrower_of(c2, "c2")); }) ==
             "address '10.9.0.12' is not lent: its device 'up0' is to be lent itself");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_firewall_that_drops_what_is_forwarded_is_named) {
  sh("nft add table ip t; nft add chain ip t f \"{ type filter hook forward priority 0; policy "
     "drop; }\"");
  const std::string refusal = error_of([&] { lend_to_c1("10.9.0.11"); });
  BOOST_TEST(says(refusal, "'10.9.0.11' is not lent: chain 'f' of table 'ip t' of nftables drops"),
             refusal);
  // What it says to type is enough.
  sh(refusal.substr(refusal.find("type: ") + 6, refusal.rfind("; ") - refusal.find("type: ") - 6));
  lend_to_c1("10.9.0.11");
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(give_all_back() == "");
  sh("nft flush chain ip t f");
  lend(context(), plan("10.9.0.11"), borrower_of(c1, "c1"), {.force = Force::yes});
  BOOST_TEST(!reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(give_all_back() == "");
  sh("nft delete table ip t");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(the_first_address_of_a_network_is_lent_and_the_others_stay) {
  lend_to_c1("10.9.0.1 fd09::1");
  BOOST_TEST(says(sh("ip route show 10.9.0.0/24"), "src 10.9.0.11"));
  BOOST_TEST(says(sh("ip route get 10.9.0.100"), "src 10.9.0.11"));
  for (const std::string address : {"10.9.0.1", "10.9.0.11", "10.9.0.12", "fd09::1", "fd09::11"}) {
    BOOST_TEST(reaches(neighbour, address), address);
  }
  BOOST_TEST(reaches(c1, "10.9.0.100"));
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(loans_that_came_one_after_the_other_end_in_any_order) {
  for (const bool first_lent_ends_first : {true, false}) {
    const auto first = lend_to_c1("10.9.0.1 fd09::1");
    const auto second = lend_to_c2("10.9.0.11 fd09::11");
    BOOST_TEST(says(sh("ip route get 10.9.0.100"), "src 10.9.0.12"));
    BOOST_TEST(give_back(context(), first_lent_ends_first ? first : second).empty());
    BOOST_TEST(reaches(neighbour, "10.9.0.1"));
    BOOST_TEST(reaches(neighbour, "fd09::11"));
    BOOST_TEST(give_back(context(), first_lent_ends_first ? second : first).empty());
    check_home_as_it_was();
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_one_loan_leaves_the_others_with_their_borrowers) {
  const auto first = lend_to_c1("10.9.0.11 fd09::11");
  lend_to_c2("10.9.0.12 fd09::12");
  Listener of_c2(&c2, "c2");
  Listener of_home(nullptr, "home");
  BOOST_TEST(give_back(context(), first).empty());
  for (const std::string address : {"10.9.0.12", "fd09::12"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "c2", address);
  }
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "home", address);
  }
}

BOOST_AUTO_TEST_CASE(an_address_and_its_device_lent_at_the_same_moment_go_one_of_them) {
  const netlend::StepCallback meanwhile = [&](std::string_view step) {
    if (step == "write_intent") {
      lend(context(), device_plan("eth0=up0"), borrower_of(c2, "c2"), {.force = Force::yes});
    }
  };
  BOOST_TEST(says(error_of([&] {
                    lend({.state = state(), .on_step = meanwhile}, plan("10.9.0.11"),
                         borrower_of(c1, "c1"));
                  }),
                  "no address of 'up0' is lent: the device is being lent to 'c2'"));
  BOOST_TEST(give_all_back() == "");
}

BOOST_AUTO_TEST_CASE(a_pods_container_in_a_new_namespace_takes_the_addresses_along) {
  const Borrower first = borrower_of(c1, "c1");
  const Borrower second = borrower_of(c2, "c2");
  lend(context(), plan("10.9.0.11"), first);
  Borrower companion = borrower_of(c1, "c2");
  companion.key = second.key;
  BOOST_TEST(netlend::share_loans(context(), plan("10.9.0.11"), companion));
  lend(context(), plan("10.9.0.11"), second);
  Listener of_c2(&c2, "c2");
  BOOST_TEST(ask_listener(neighbour, "10.9.0.11") == "c2");
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(dhcp_can_renew_an_address_that_is_lent) {
  sh("ip addr change 10.9.0.11/24 dev up0 valid_lft 100 preferred_lft 100");
  lend_to_c1("10.9.0.11");
  sh("ip addr change 10.9.0.11/24 dev up0 valid_lft 3000 preferred_lft 3000");
  BOOST_TEST(give_all_back() == "");
}

BOOST_AUTO_TEST_CASE(the_host_is_no_router_by_it) {
  sh("ip link add far0 type veth peer name f0 netns " + std::to_string(c2.pid()) +
     "; ip addr add 198.51.100.1/24 dev far0; ip link set far0 up");
  c2.sh(
      "ip addr add 198.51.100.2/24 dev f0; ip link set f0 up; ip route add 10.9.0.0/24 via "
      "198.51.100.1");
  neighbour.sh("ip route add 198.51.100.0/24 via 10.9.0.1");
  BOOST_TEST(!reaches(neighbour, "198.51.100.2"));
  lend_to_c1("10.9.0.11 fd09::11");
  BOOST_TEST(!reaches(neighbour, "198.51.100.2"));
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
}

BOOST_AUTO_TEST_CASE(the_default_route_that_a_router_announced_stays) {
  advertise_router(neighbour, "l0");
  while (!succeeds("ip -6 route show default | grep -q \"proto ra\"")) {
  }
  lend_to_c1("fd09::11");
  BOOST_TEST(says(sh("ip -6 route show default"), "proto ra"));
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(says(sh("ip -6 route show default"), "proto ra"));
}

BOOST_AUTO_TEST_CASE(one_that_a_router_announced_on_another_device_stays_and_idle_ones_are_let_be) {
  sh("ip link add up1 type veth peer name l1 netns " + std::to_string(neighbour.pid()) +
     "; ip link add idle0 type veth peer name idle1;"
     "echo 0 > /proc/sys/net/ipv6/conf/up1/accept_dad; ip link set up1 up");
  neighbour.sh("echo 0 > /proc/sys/net/ipv6/conf/l1/accept_dad; ip link set l1 up");
  const std::string announced = "ip -6 route show default dev up1 proto ra";
  while (sh(announced).empty()) advertise_router(neighbour, "l1");
  const std::string before = sh("cat /proc/sys/net/ipv6/conf/idle0/accept_ra");
  lend_to_c1("fd09::11");
  BOOST_TEST(sh(announced) != "");
  BOOST_TEST(sh("cat /proc/sys/net/ipv6/conf/idle0/accept_ra") == before);
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(sh(announced) != "");
}

BOOST_AUTO_TEST_CASE(a_moved_rule_for_local_addresses_stays_where_somebody_put_it) {
  sh("ip rule add pref 100 lookup local; ip rule del pref 0 lookup local;"
     "ip -6 rule add pref 100 lookup local; ip -6 rule del pref 0 lookup local");
  const std::string before = home_now();
  lend_to_c1("10.9.0.11 fd09::11");
  for (const std::string address : {"10.9.0.11", "fd09::11", "10.9.0.1", "fd09::1"}) {
    BOOST_TEST(reaches(neighbour, address), address);
  }
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(home_now() == before);
}

BOOST_AUTO_TEST_CASE(an_address_without_neighbours_is_lent_while_one_of_another_network_stays) {
  sh("ip addr add 203.0.113.9/32 dev up0");
  const std::string before = home_now();
  lend_to_c1("203.0.113.9");
  BOOST_TEST(says(sh("ip route get 10.9.0.100"), "src 10.9.0.1"));
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(home_now() == before);
}

BOOST_AUTO_TEST_CASE(an_address_that_is_to_end_leaves_no_route_behind) {
  sh("ip addr change fd09::11/64 dev up0 valid_lft 2999 preferred_lft 2000");
  const std::string before = sh("ip -6 route show table all dev lo");
  lend_to_c1("fd09::11");
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(sh("ip -6 route show table all dev lo") == before);
}

BOOST_AUTO_TEST_CASE(an_address_with_a_lifetime_comes_home_with_what_is_left_of_it) {
  sh("ip addr change fd09::11/64 dev up0 valid_lft 2999 preferred_lft 2000;"
     "ip addr change 10.9.0.11/24 dev up0 valid_lft 2999 preferred_lft 2000");
  lend_to_c1("10.9.0.11 fd09::11");
  BOOST_TEST(give_all_back() == "");
  const std::string now = sh("ip addr show dev up0 | grep -A1 -E \"9.0.11|9::11\"");
  BOOST_TEST(!says(now, "forever"), now);
  BOOST_TEST(says(now, "valid_lft 299"), now);
}

BOOST_AUTO_TEST_CASE(a_borrower_that_throws_its_address_away_gives_it_back_all_the_same) {
  lend_to_c1("10.9.0.11 fd09::11");
  c1.sh("ip addr flush dev eth0; ip link set eth0 down");
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_neighbour_has_nothing_to_learn) {
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  const std::string before = neighbour.sh("ip neigh show 10.9.0.11 | cut -d\" \" -f5");
  lend_to_c1("10.9.0.11");
  neighbour.sh("ip neigh flush all");
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(neighbour.sh("ip neigh show 10.9.0.11 | cut -d\" \" -f5") == before);
}

BOOST_AUTO_TEST_CASE(whoever_is_killed_while_lending_leaves_nothing_that_reap_does_not_undo) {
  int number = 0;
  for (bool is_killed = true; is_killed; ++number) {
    is_killed = is_killed_at(number, [&](const auto& on_step) {
      lend({.state = state(), .on_step = on_step}, plan("10.9.0.1 fd09::11"),
           borrower_of(c1, "c1"));
    });
    BOOST_TEST(give_all_back() == "");
    check_home_as_it_was();
  }
  BOOST_TEST(number > (mode() == "kernel" ? 5 : 30));
}

BOOST_AUTO_TEST_CASE(what_a_killed_lender_wrote_down_and_did_not_do_the_next_one_does) {
  const auto is_rule = [](std::string_view step) { return step.starts_with("add rule"); };
  BOOST_REQUIRE(is_killed_when(is_rule, [&](auto on_step) {
    lend({.state = state(), .on_step = on_step}, plan("fd09::11"), borrower_of(c1, "c1"));
  }));
  lend_to_c2("fd09::12");
  BOOST_TEST(reaches(neighbour, "fd09::1"));
  Listener of_c2(&c2, "c2");
  BOOST_TEST(ask_listener(neighbour, "fd09::12") == "c2");
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(whoever_is_killed_while_giving_back_leaves_the_rest_to_reap) {
  int number = 0;
  for (bool is_killed = true; is_killed; ++number) {
    const auto ledger = lend_to_c1("10.9.0.1 fd09::11");
    is_killed = is_killed_at(number, [&](const auto& on_step) {
      netlend::give_back({.state = state(), .on_step = on_step}, ledger);
    });
    BOOST_TEST(give_all_back() == "");
    check_home_as_it_was();
  }
  BOOST_TEST(number > (mode() == "kernel" ? 5 : 20));
}

BOOST_AUTO_TEST_CASE(a_second_lend_of_the_same_does_nothing) {
  const auto first = lend_to_c1("10.9.0.11");
  BOOST_TEST(lend_to_c1("10.9.0.11") == first);
}

BOOST_AUTO_TEST_SUITE_END()
