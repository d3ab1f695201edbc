// What comes to a netlink socket beside the answer that is waited for.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "fault/points.hpp"
#include "fault/scene.hpp"
#include "net/ledger/ledger.hpp"

using netlend::test::Act;
using netlend::test::Call;
using netlend::test::Deed;
using netlend::test::Devices;
using netlend::test::Fault;
using netlend::test::is_soak;
using netlend::test::IsPoint;
using netlend::test::Outcome;
using netlend::test::Performance;
using netlend::test::Scene;
using netlend::test::tell_survived;

namespace {
/// The requests for lists.
IsPoint lists() {
  return [is_request = netlend::test::netlink_requests()](const Call& call) {
    return is_request(call) && netlend::test::is_netlink_dump(call);
  };
}

/// Without the long counts, one point in so many.
constexpr int kStep = 8;

/// The act is done as if nothing had been.
void check_is_done(Scene& scene, Act act) {
  const auto ledgers = list_ledgers(scene.state());
  BOOST_TEST(ledgers.size() == (act == Act::lend ? 1U : 0U));
  if (act == Act::lend && !ledgers.empty()) {
    BOOST_TEST(load_ledger(scene.state(), ledgers.front())->is_ready());
  }
  BOOST_TEST(scene.reap_once() == "");
  BOOST_TEST(scene.difference() == "");
}

Outcome strike(Scene& scene, Act act, const IsPoint& is_point, const Fault& fault) {
  Outcome outcome;
  BOOST_TEST_CONTEXT(text_of(act, Devices::one) << ", request " << fault.point) {
    outcome = Performance(scene, act, Devices::one).run(is_point, fault);
    BOOST_TEST(outcome.error == "");
    check_is_done(scene, act);
  }
  return outcome;
}

void strike_everywhere(const char* what, const IsPoint& is_point, const Fault& fault) {
  Scene scene;
  for (const Act act : {Act::lend, Act::give_back, Act::reap}) {
    const auto dry = Performance(scene, act, Devices::one).run(is_point, {});
    check_is_done(scene, act);
    int struck = 0;
    int repeated = 0;
    for (int point = 1; point <= dry.points; point += is_soak() ? 1 : kStep) {
      Fault here = fault;
      here.point = point;
      // What waits for the kernel asks now and then once more: the last points are not in each run.
      const auto outcome = strike(scene, act, is_point, here);
      if (outcome.is_hit) ++struck;
      if (outcome.is_repeated) ++repeated;
    }
    BOOST_TEST(struck > 0);
    // Not where a look at the first of the list is all that it takes.
    if (fault.deed == Deed::interrupt_dump) BOOST_TEST(2 * repeated > struck);
    tell_survived(what, text_of(act, Devices::one), struck);
  }
}

/// The act is done all the same, or says what came instead of an answer, and one reap mends it.
void check_is_done_or_told(Scene& scene, Act act, const Outcome& outcome, std::string_view why) {
  if (outcome.error.empty()) {
    check_is_done(scene, act);
    return;
  }
  BOOST_TEST(outcome.error.find(why) != std::string::npos, outcome.error);
  BOOST_TEST(scene.reap_once() == "");
  BOOST_TEST(scene.difference() == "");
}

struct Spoiling {
  const char* what;
  IsPoint is_point;
  Fault fault;
  /// What an error says of it.
  const char* why;
};

void spoil_everywhere(const Spoiling& spoiling) {
  Scene scene;
  for (const Act act : {Act::lend, Act::give_back, Act::reap}) {
    const auto dry = Performance(scene, act, Devices::one).run(spoiling.is_point, {});
    check_is_done(scene, act);
    int struck = 0;
    int told = 0;
    Fault fault = spoiling.fault;
    for (fault.point = 1; fault.point <= dry.points; fault.point += is_soak() ? 1 : kStep) {
      BOOST_TEST_CONTEXT(text_of(act, Devices::one) << ", request " << fault.point) {
        const auto outcome = Performance(scene, act, Devices::one).run(spoiling.is_point, fault);
        check_is_done_or_told(scene, act, outcome, spoiling.why);
        if (outcome.is_hit) ++struck;
        if (!outcome.error.empty()) ++told;
      }
    }
    BOOST_TEST(told > 0);
    tell_survived(spoiling.what, text_of(act, Devices::one), struck);
  }
}
}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_netlink_answers)

BOOST_AUTO_TEST_CASE(of_another_process_are_no_answers) {
  strike_everywhere("a netlink answer that another process made up",
                    netlend::test::netlink_requests(),
                    {.deed = Deed::foreign_answer, .errno_value = ENODEV});
}

BOOST_AUTO_TEST_CASE(to_earlier_requests_are_no_answers) {
  strike_everywhere("a netlink answer to an earlier request", netlend::test::netlink_requests(),
                    {.deed = Deed::stale_answer, .errno_value = ENODEV});
}

BOOST_AUTO_TEST_CASE(what_changed_while_it_was_listed_is_listed_again) {
  strike_everywhere("a netlink list that changed meanwhile", lists(),
                    {.deed = Deed::interrupt_dump});
}

BOOST_AUTO_TEST_CASE(that_there_is_no_such_list_is_believed_when_it_comes_twice) {
  strike_everywhere("a netlink list that was denied once", lists(),
                    {.deed = Deed::refuse, .errno_value = EOPNOTSUPP});
}

BOOST_AUTO_TEST_CASE(that_are_cut_short_are_told_of) {
  spoil_everywhere({.what = "a netlink answer cut short",
                    .is_point = netlend::test::netlink_requests(),
                    .fault = {.deed = Deed::cut_answer},
                    .why = "an answer that is cut short"});
}

BOOST_AUTO_TEST_CASE(that_are_longer_than_the_room_for_them_are_told_of) {
  spoil_everywhere({.what = "a netlink answer longer than the room for it",
                    .is_point = netlend::test::netlink_requests(),
                    .fault = {.deed = Deed::long_answer},
                    .why = "an answer of 524289 bytes"});
}

BOOST_AUTO_TEST_CASE(of_lists_that_do_not_end_are_told_of) {
  spoil_everywhere({.what = "a netlink list without its end",
                    .is_point = lists(),
                    .fault = {.deed = Deed::unfinished_list, .errno_value = EAGAIN},
                    .why = "the kernel did not answer in 30 s"});
}

BOOST_AUTO_TEST_CASE(that_do_not_come_are_told_of) {
  spoil_everywhere({.what = "no netlink answer",
                    .is_point = netlend::test::netlink_requests(),
                    .fault = {.deed = Deed::lose_answer, .errno_value = EAGAIN},
                    .why = "the kernel did not answer in 30 s"});
}

BOOST_AUTO_TEST_SUITE_END()
