// Containers of a pod: one network namespace, and the annotations of each ask for the same.
#include "net/ledger/ledger.hpp"
#include "net/lending_fixture.hpp"

using netlend::Borrower;
using netlend::Error;
using netlend::LendOptions;
using netlend::share_loans;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

namespace {
constexpr const char* kDevice = "eth0=lan0 addr=10.77.0.2/24";

class Pod : public Lab {
 public:
  Pod() {
    lend(context(), plan(kDevice), borrower("c1"));
    BOOST_REQUIRE(share_loans(context(), plan(kDevice), borrower("c2")));
  }

  /// c2 as it is after the container that the pod's namespace belongs to was restarted.
  Borrower c2_in_new_namespace() { return borrower_of(new_infra, "c2"); }
  bool has_device(const Sleeper& who) {
    return succeeds("nsenter --net=/proc/" + std::to_string(who.pid()) +
                    "/ns/net ip link show eth0");
  }

  Sleeper new_infra;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(sharing, Pod)

BOOST_AUTO_TEST_CASE(who_shares_a_loan_takes_it_along_to_the_pods_new_namespace) {
  lend(context(), plan(kDevice), c2_in_new_namespace());
  BOOST_TEST(has_device(new_infra));
  BOOST_TEST(!has_device(container));
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(who_lent_first_shares_it_there_when_its_turn_comes) {
  lend(context(), plan(kDevice), c2_in_new_namespace());
  BOOST_TEST(share_loans(context(), plan(kDevice), borrower_of(new_infra, "c1")));
  BOOST_TEST(has_device(new_infra));
}

BOOST_AUTO_TEST_CASE(who_lent_first_takes_it_along_to_the_next_namespace) {
  lend(context(), plan(kDevice), c2_in_new_namespace());
  const Sleeper newest_infra;
  lend(context(), plan(kDevice), borrower_of(newest_infra, "c1"));
  BOOST_TEST(has_device(newest_infra));
  lend(context(), plan(kDevice), c2_in_new_namespace());
  BOOST_TEST(has_device(new_infra));
}

BOOST_AUTO_TEST_CASE(who_shares_nothing_takes_nothing) {
  BOOST_CHECK_THROW(lend(context(), plan(kDevice), borrower_of(new_infra, "c3")), Error);
  auto of_other_bundle = c2_in_new_namespace();
  of_other_bundle.key = "/bundles/other";
  BOOST_CHECK_THROW(lend(context(), plan(kDevice), of_other_bundle), Error);
  BOOST_CHECK_THROW(lend(context(), plan("eth0=lan0 addr=10.77.0.3/24"), c2_in_new_namespace()),
                    Error);
  BOOST_TEST(has_device(container));
}

BOOST_AUTO_TEST_CASE(who_may_not_have_it_alone_takes_nothing) {
  LendOptions options;
  options.permission = [](const auto&) { throw Error("no rule allows it"); };
  BOOST_CHECK_THROW(lend(context(), plan(kDevice), c2_in_new_namespace(), options), Error);
  BOOST_TEST(has_device(container));
}

BOOST_AUTO_TEST_CASE(a_rule_is_asked_with_the_driver_of_a_device_that_is_away) {
  std::vector<std::string> drivers;
  LendOptions options;
  options.permission = [&](const std::vector<netlend::WantedDevice>& wanted) {
    drivers.push_back(wanted.at(0).driver);
  };
  lend(context(), plan(kDevice), c2_in_new_namespace(), options);
  // Away, and then at home.
  BOOST_TEST(drivers == (std::vector<std::string>{"veth", "veth"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(asking_twice_is_sharing_once) {
  BOOST_TEST(share_loans(context(), plan(kDevice), borrower("c2")));
  const auto ledger = load_ledger(state(), list_ledgers(state()).at(0));
  BOOST_REQUIRE(ledger.has_value());
  BOOST_TEST(ledger->sharers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_damaged_ledger_is_put_aside_before_a_sharer_is_written_into_it) {
  const std::string name = list_ledgers(state()).at(0);
  const std::string folder = state().path();
  sh("echo damaged > " + folder + "/ledgers/" + name);
  BOOST_TEST(share_loans(listening(), plan(kDevice), borrower("c3")));
  BOOST_TEST(says(joined(notes), "its copy serves and is in its place now"), joined(notes));
  BOOST_TEST(sh("cat " + folder + "/damaged-" + name) == "damaged");
  BOOST_TEST(joined(give_all_back()) == "");
  sh("rm " + folder + "/damaged-" + name);
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
