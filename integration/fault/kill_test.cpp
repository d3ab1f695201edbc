#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "fault/points.hpp"
#include "fault/scene.hpp"

using netlend::test::Act;
using netlend::test::Deed;
using netlend::test::Devices;
using netlend::test::is_soak;
using netlend::test::kRunsPerPoint;
using netlend::test::outlives_its_caller;
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

struct Moment {
  int change = 0;
  int calls_after = 0;
};

bool kill_at(std::unique_ptr<Scene>& scene, Act act, Devices devices, const Moment& moment) {
  bool is_hit = false;
  BOOST_TEST_CONTEXT(text_of(act, devices) << ", killed " << moment.calls_after
                                           << " calls after change " << moment.change) {
    const auto outcome =
        Performance(*scene, act, devices)
            .run(outlives_its_caller,
                 {.deed = Deed::kill, .point = moment.change, .calls_after = moment.calls_after});
    is_hit = outcome.is_killed;
    if (!is_hit) BOOST_TEST(outcome.error == "");
    check_one_reap_suffices(scene);
  }
  return is_hit;
}

/// How many calls come after each call that changes something, till the next of them; the first
/// number is of those before the first. The fewest of a few runs that aren't killed: what waits for
/// the kernel asks now and then once more. None where the long counts aren't asked for.
std::vector<int> count_calls(std::unique_ptr<Scene>& scene, Act act, Devices devices) {
  constexpr int kDryRuns = 3;
  std::vector<int> fewest;
  for (int i = 0; i < kDryRuns; ++i) {
    const auto dry = Performance(*scene, act, devices).run_counted(outlives_its_caller);
    BOOST_TEST(dry.error == "");
    check_one_reap_suffices(scene);
    if (i == 0) fewest = dry.calls_after;
    fewest.resize(std::min(fewest.size(), dry.calls_after.size()));
    std::transform(fewest.begin(), fewest.end(), dry.calls_after.begin(), fewest.begin(),
                   [](int one, int other) { return std::min(one, other); });
  }
  if (!is_soak()) std::fill(fewest.begin(), fewest.end(), 0);
  return fewest;
}

/// At each change and, in the long counts, at each call after it; and then on, until a change that
/// isn't made any more.
void kill_at_every_call(Act act, Devices devices) {
  auto scene = std::make_unique<Scene>();
  const std::vector<int> calls = count_calls(scene, act, devices);
  const int changes = static_cast<int>(calls.size()) - 1;
  const auto part = share();
  int calls_seen = 0;
  int killed = 0;
  const auto kill = [&](const Moment& moment) {
    if (++calls_seen % part.step != part.first % part.step) return;
    bool is_hit = false;
    for (int i = 0; i < kRunsPerPoint && !is_hit; ++i) {
      is_hit = kill_at(scene, act, devices, moment);
    }
    BOOST_TEST(is_hit, moment.calls_after << " calls after change " << moment.change << " of "
                                          << changes << ": was not met");
    ++killed;
  };
  for (int change = 0; change <= changes; ++change) {
    if (change > 0) kill({.change = change});
    for (int after = 1; after <= calls[static_cast<std::size_t>(change)]; ++after) {
      kill({.change = change, .calls_after = after});
    }
  }
  if (part.first == 1) {
    for (int change = changes + 1; kill_at(scene, act, devices, {.change = change}); ++change) {
      ++killed;
    }
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
