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
using netlend::test::Outcome;
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
  if (!difference.empty()) scene = std::make_unique<Scene>(scene->devices());
}

struct Moment {
  int change = 0;
  int calls_after = 0;
};

Outcome kill_at(std::unique_ptr<Scene>& scene, Act act, Devices devices, const Moment& moment) {
  Outcome outcome;
  BOOST_TEST_CONTEXT(text_of(act, devices) << ", killed " << moment.calls_after
                                           << " calls after change " << moment.change) {
    outcome =
        Performance(*scene, act, devices)
            .run(outlives_its_caller,
                 {.deed = Deed::kill, .point = moment.change, .calls_after = moment.calls_after});
    if (!outcome.is_killed) BOOST_TEST(outcome.error == "");
    check_one_reap_suffices(scene);
  }
  return outcome;
}

/// In the long counts at every call; but there are too many where devices are furnished, and at a
/// call that changes nothing nothing is left that wasn't left by the change before it.
bool is_at_every_call(Devices devices) { return is_soak() && devices != Devices::furnished; }

/// How many calls come after each call that changes something, till the next of them; the first
/// number is of those before the first. The fewest of a few runs that aren't killed: what waits for
/// the kernel asks now and then once more. None where it isn't killed at every call.
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
  if (!is_at_every_call(devices)) std::fill(fewest.begin(), fewest.end(), 0);
  return fewest;
}

/// At each change and, in the long counts, at each call after it; and then on, until a change that
/// isn't made any more.
class Killing {
 public:
  Killing(Act act, Devices devices)
      : act_(act),
        devices_(devices),
        scene_(std::make_unique<Scene>(devices)),
        calls_(count_calls(scene_, act, devices)) {}

  /// How often it was killed.
  int run() {
    const int changes = static_cast<int>(calls_.size()) - 1;
    for (int change = 0; change <= changes; ++change) {
      if (change > 0) kill({.change = change});
      const auto& calls = calls_[static_cast<std::size_t>(change)];
      for (int after = 1; after <= calls; ++after) kill({.change = change, .calls_after = after});
    }
    if (part_.first == 1) {
      int change = changes + 1;
      while (kill_at(scene_, act_, devices_, {.change = change}).is_killed) ++change;
      killed_ += change - changes - 1;
    }
    return killed_;
  }

 private:
  void kill(const Moment& moment) {
    if ((moment.change + moment.calls_after) % part_.step != part_.first % part_.step) return;
    const auto region = static_cast<std::size_t>(moment.change);
    for (int i = 0; i < kRunsPerPoint && moment.calls_after <= calls_[region]; ++i) {
      const auto outcome = kill_at(scene_, act_, devices_, moment);
      if (outcome.is_killed) {
        ++killed_;
        return;
      }
      // Not killed, it has been one more dry run.
      if (region < outcome.calls_after.size() && moment.calls_after > 0) {
        calls_[region] = std::min(calls_[region], outcome.calls_after[region]);
      }
    }
    if (moment.calls_after > calls_[region]) return;
    BOOST_ERROR(moment.calls_after << " calls after change " << moment.change << " of "
                                   << calls_.size() - 1 << ": was not met");
  }

  Act act_;
  Devices devices_;
  std::unique_ptr<Scene> scene_;
  std::vector<int> calls_;
  decltype(share()) part_ = share();
  int killed_ = 0;
};

void kill_at_every_call(Act act, Devices devices) {
  const int killed = Killing(act, devices).run();
  tell_survived(is_at_every_call(devices) ? "SIGKILL at a system call"
                                          : "SIGKILL at a system call that changes something",
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
BOOST_AUTO_TEST_CASE(of_lending_furnished_devices) {
  kill_at_every_call(Act::lend, Devices::furnished);
}
BOOST_AUTO_TEST_CASE(of_giving_furnished_devices_back) {
  kill_at_every_call(Act::give_back, Devices::furnished);
}
BOOST_AUTO_TEST_CASE(of_reaping_furnished_devices) {
  kill_at_every_call(Act::reap, Devices::furnished);
}

BOOST_AUTO_TEST_SUITE_END()
