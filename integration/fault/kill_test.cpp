#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <climits>

#include "fault/points.hpp"
#include "fault/scene.hpp"

using netlend::test::Act;
using netlend::test::Deed;
using netlend::test::Devices;
using netlend::test::is_soak;
using netlend::test::IsPoint;
using netlend::test::kRunsPerPoint;
using netlend::test::Performance;
using netlend::test::Scene;
using netlend::test::share;
using netlend::test::tell_survived;

namespace {
/// One reap later, and again after another, all is home as it was.
void check_one_reap_suffices(std::unique_ptr<Scene>& scene) {
  const std::string reported = scene->reap_once();
  const std::string difference = scene->difference();
  BOOST_TEST(reported == "");
  BOOST_TEST(difference == "");
  if (!difference.empty()) scene = std::make_unique<Scene>();
}

/// Those that can make a difference, or all of them where the long counts are asked for.
IsPoint calls() {
  if (is_soak()) return [](const netlend::test::Call&) { return true; };
  return netlend::test::outlives_its_caller;
}

bool kill_at(std::unique_ptr<Scene>& scene, Act act, Devices devices, int point) {
  bool is_hit = false;
  BOOST_TEST_CONTEXT(text_of(act, devices) << ", killed at call " << point) {
    const auto outcome =
        Performance(*scene, act, devices).run(calls(), {.deed = Deed::kill, .point = point});
    is_hit = outcome.is_killed;
    if (!is_hit) BOOST_TEST(outcome.error == "");
    check_one_reap_suffices(scene);
  }
  return is_hit;
}

/// The fewest calls of a few runs that aren't killed: what waits for the kernel asks now and then
/// once more.
int count_calls(std::unique_ptr<Scene>& scene, Act act, Devices devices) {
  constexpr int kDryRuns = 3;
  int fewest = INT_MAX;
  for (int i = 0; i < kDryRuns; ++i) {
    const auto dry = Performance(*scene, act, devices).run(calls(), {});
    BOOST_TEST(dry.error == "");
    check_one_reap_suffices(scene);
    fewest = std::min(fewest, dry.points);
  }
  return fewest;
}

/// Until a call that isn't made any more, which must be behind those that the dry runs made.
void kill_at_every_call(Act act, Devices devices) {
  auto scene = std::make_unique<Scene>();
  const int dry = count_calls(scene, act, devices);
  const auto [first, step] = share();
  int killed = 0;
  for (int point = first;; point += step) {
    bool is_hit = false;
    for (int i = 0; i < kRunsPerPoint && !is_hit; ++i) is_hit = kill_at(scene, act, devices, point);
    if (!is_hit && point > dry) break;
    BOOST_TEST(is_hit, "call " << point << " of " << dry << " was not met");
    ++killed;
  }
  tell_survived(
      is_soak() ? "SIGKILL at a system call" : "SIGKILL at a system call that changes something",
      text_of(act, devices), killed);
}
}  // namespace

BOOST_AUTO_TEST_SUITE(killed_at_every_call)

BOOST_AUTO_TEST_CASE(of_lending_one_device) { kill_at_every_call(Act::lend, Devices::one); }
BOOST_AUTO_TEST_CASE(of_lending_one_through_staging) {
  kill_at_every_call(Act::lend_through_staging, Devices::one);
}
BOOST_AUTO_TEST_CASE(of_lending_three_devices) { kill_at_every_call(Act::lend, Devices::three); }
BOOST_AUTO_TEST_CASE(of_giving_one_device_back) {
  kill_at_every_call(Act::give_back, Devices::one);
}
BOOST_AUTO_TEST_CASE(of_giving_three_devices_back) {
  kill_at_every_call(Act::give_back, Devices::three);
}
BOOST_AUTO_TEST_CASE(of_reaping_one_device) { kill_at_every_call(Act::reap, Devices::one); }
BOOST_AUTO_TEST_CASE(of_reaping_three_devices) { kill_at_every_call(Act::reap, Devices::three); }

BOOST_AUTO_TEST_SUITE_END()
