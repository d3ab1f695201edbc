#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <climits>

#include "base/error.hpp"
#include "fault/points.hpp"
#include "fault/scene.hpp"
#include "net/ledger/ledger.hpp"

using netlend::errno_text;
using netlend::test::Act;
using netlend::test::Deed;
using netlend::test::Devices;
using netlend::test::Fault;
using netlend::test::is_soak;
using netlend::test::IsPoint;
using netlend::test::kRunsPerPoint;
using netlend::test::Outcome;
using netlend::test::Performance;
using netlend::test::Scene;
using netlend::test::tell_survived;

namespace {
constexpr std::array kNetlinkErrors{ENOMEM,  EPERM,  EBUSY,      EEXIST, ENODEV,
                                    ENOBUFS, EINVAL, EOPNOTSUPP, EINTR,  EAGAIN};
constexpr std::array kDiskErrors{ENOSPC, EIO, EROFS};
constexpr std::array kSettingErrors{EPERM, EINVAL, EBUSY, ENOMEM};

/// A device of the plan, or what the plan wants it to have.
bool names_a_device(const std::string& text) {
  for (const char* name : {"lan0", "mac0", "port0", "h0", "full0", "tap0", "eth0", "eth1", "eth2",
                           "br0", "10.77.0.9"}) {
    if (text.find(std::string("'") + name + "'") != std::string::npos) return true;
  }
  return false;
}

/// Or what else the way home goes by: a device's index, a namespace, a ledger.
bool names_its_subject(const std::string& text) {
  for (const char* what : {"look up device ", "look up the id of ", "open lock '"}) {
    if (text.find(what) != std::string::npos) return true;
  }
  return names_a_device(text);
}

/// Made by lend: all or nothing, and a sentence that says of what.
void check_lent_or_not(Scene& scene, const Outcome& outcome) {
  if (outcome.error.empty()) {
    const auto ledgers = list_ledgers(scene.state());
    BOOST_REQUIRE(ledgers.size() == 1);
    BOOST_TEST(load_ledger(scene.state(), ledgers.front())->is_ready());
    return;
  }
  BOOST_TEST(scene.difference() == "");
  BOOST_TEST(names_a_device(outcome.error), outcome.error);
}

/// Made by give back and reap: nothing is left to do, or a sentence says of what.
void check_done_or_told(Scene& scene, const Outcome& outcome) {
  if (outcome.error.empty()) {
    BOOST_TEST(list_ledgers(scene.state()).empty());
  } else {
    BOOST_TEST(names_its_subject(outcome.error), outcome.error);
  }
}

/// What the kernel answers to who shall ask again.
bool is_retried(const Fault& fault) {
  return fault.deed == Deed::refuse && (fault.errno_value == EINTR || fault.errno_value == EAGAIN);
}

struct Matrix {
  Act act;
  Devices devices;
  /// For the table, and for what fails.
  const char* fault;
  const char* point;
  IsPoint is_point;
  std::vector<Fault> faults;
};

bool strike(std::unique_ptr<Scene>& scene, const Matrix& matrix, const Fault& fault) {
  bool is_hit = false;
  BOOST_TEST_CONTEXT(text_of(matrix.act, matrix.devices)
                     << ", " << matrix.point << " " << fault.point << " answered with "
                     << errno_text(fault.errno_value)
                     << (fault.deed == Deed::lose_answer ? " after the deed" : "")) {
    const auto outcome =
        Performance(*scene, matrix.act, matrix.devices).run(matrix.is_point, fault);
    is_hit = outcome.is_hit;
    const bool lends = matrix.act == Act::lend || matrix.act == Act::lend_through_staging;
    if (lends) {
      check_lent_or_not(*scene, outcome);
    } else {
      check_done_or_told(*scene, outcome);
    }
    if (is_retried(fault)) BOOST_TEST(outcome.error == "");
    // What brings home and has nothing to tell leaves nothing to a reap.
    const bool needs_reap = lends || !outcome.error.empty();
    const auto reported = needs_reap ? scene->reap_once() : "";
    const auto difference = scene->difference();
    BOOST_TEST(reported == "", reported << "; it was: " << outcome.error);
    BOOST_TEST(difference == "", difference << "; it was: " << outcome.error);
    if (!difference.empty()) scene = std::make_unique<Scene>(matrix.devices);
  }
  return is_hit;
}

/// The fewest points of a few runs that met no fault: what looks at a clock of the kernel's asks
/// once more now and then.
int count_points(Scene& scene, const Matrix& matrix) {
  constexpr int kDryRuns = 3;
  int fewest = INT_MAX;
  for (int i = 0; i < kDryRuns; ++i) {
    const auto dry = Performance(scene, matrix.act, matrix.devices).run(matrix.is_point, {});
    BOOST_TEST(dry.error == "");
    BOOST_TEST(scene.reap_once() == "");
    fewest = std::min(fewest, dry.points);
  }
  return fewest;
}

/// One fault of so many is tried at a point. The few of a disk, and all where one device is lent
/// from home and given back, are tried at each; others in turn, so that each point and each fault
/// occurs, unless the long counts are asked for.
std::size_t one_of(const Matrix& matrix) {
  const bool is_short = matrix.faults.size() <= kDiskErrors.size();
  const bool is_usual = matrix.act == Act::lend || matrix.act == Act::give_back;
  const bool tries_each = matrix.devices == Devices::one && (is_short || is_usual);
  return tries_each || is_soak() ? 1 : matrix.faults.size();
}

void strike_everywhere(const Matrix& matrix) {
  auto scene = std::make_unique<Scene>(matrix.devices);
  const int points = count_points(*scene, matrix);
  const auto [first, step] = netlend::test::share();
  int faults = 0;
  for (int point = first; point <= points; point += step) {
    for (std::size_t i = 0; i < matrix.faults.size(); ++i) {
      if ((static_cast<std::size_t>(point) + i) % one_of(matrix) != 0) continue;
      Fault fault = matrix.faults[i];
      fault.point = point;
      bool is_hit = false;
      for (int run = 0; run < kRunsPerPoint && !is_hit; ++run) {
        is_hit = strike(scene, matrix, fault);
      }
      BOOST_TEST(is_hit, "point " << point << " was not hit");
      ++faults;
    }
  }
  tell_survived(matrix.fault, text_of(matrix.act, matrix.devices), faults);
}

void refuse_every_request(Act act, Devices devices) {
  std::vector<Fault> faults;
  faults.reserve(kNetlinkErrors.size() + 1);
  for (const int error : kNetlinkErrors) {
    faults.push_back({.deed = Deed::refuse, .errno_value = error});
  }
  faults.push_back({.deed = Deed::lose_answer, .errno_value = ENOBUFS});
  // On the way home what only asks is asked of whatever device, and met with the others.
  const bool asks_too = devices != Devices::furnished || act == Act::lend || is_soak();
  strike_everywhere(
      {.act = act,
       .devices = devices,
       .fault = "a netlink request answered with one of 10 errnos, or its answer lost",
       .point = "netlink request",
       .is_point = asks_too ? netlend::test::netlink_requests() : netlend::test::is_netlink_change,
       .faults = faults});
}

void fail_every_write(Act act, Devices devices) {
  std::vector<Fault> faults;
  faults.reserve(kDiskErrors.size());
  for (const int error : kDiskErrors) {
    faults.push_back({.deed = Deed::fail, .errno_value = error});
  }
  strike_everywhere(
      {.act = act,
       .devices = devices,
       .fault = "a write, fsync or rename of the state failing with ENOSPC, EIO or EROFS",
       .point = "write",
       .is_point = netlend::test::writes_below("/run/netlend-"),
       .faults = faults});
}

void refuse_every_setting(Act act, Devices devices) {
  std::vector<Fault> faults;
  faults.reserve(kSettingErrors.size());
  for (const int error : kSettingErrors) {
    faults.push_back({.deed = Deed::fail, .errno_value = error});
  }
  strike_everywhere(
      {.act = act,
       .devices = devices,
       .fault = "a write to sysfs or sysctl, or an ioctl, answered with one of 4 errnos",
       .point = "setting",
       .is_point = netlend::test::is_setting,
       .faults = faults});
}
}  // namespace

BOOST_AUTO_TEST_SUITE(every_netlink_request_refused)

BOOST_AUTO_TEST_CASE(of_lending_one_device) { refuse_every_request(Act::lend, Devices::one); }
BOOST_AUTO_TEST_CASE(of_lending_three_devices) { refuse_every_request(Act::lend, Devices::three); }
BOOST_AUTO_TEST_CASE(of_lending_through_staging) {
  refuse_every_request(Act::lend_through_staging, Devices::one);
}
BOOST_AUTO_TEST_CASE(of_giving_one_device_back) {
  refuse_every_request(Act::give_back, Devices::one);
}
BOOST_AUTO_TEST_CASE(of_giving_three_devices_back) {
  refuse_every_request(Act::give_back, Devices::three);
}
BOOST_AUTO_TEST_CASE(of_reaping_one_device) { refuse_every_request(Act::reap, Devices::one); }
BOOST_AUTO_TEST_CASE(of_reaping_three_devices) { refuse_every_request(Act::reap, Devices::three); }
BOOST_AUTO_TEST_CASE(of_lending_furnished_devices) {
  refuse_every_request(Act::lend, Devices::furnished);
}
BOOST_AUTO_TEST_CASE(of_giving_furnished_devices_back) {
  refuse_every_request(Act::give_back, Devices::furnished);
}
BOOST_AUTO_TEST_CASE(of_reaping_furnished_devices) {
  refuse_every_request(Act::reap, Devices::furnished);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(every_setting_refused)

BOOST_AUTO_TEST_CASE(of_giving_furnished_devices_back) {
  refuse_every_setting(Act::give_back, Devices::furnished);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(every_write_of_the_state_failing)

BOOST_AUTO_TEST_CASE(of_lending_one_device) { fail_every_write(Act::lend, Devices::one); }
BOOST_AUTO_TEST_CASE(of_lending_three_devices) { fail_every_write(Act::lend, Devices::three); }
BOOST_AUTO_TEST_CASE(of_lending_through_staging) {
  fail_every_write(Act::lend_through_staging, Devices::one);
}
BOOST_AUTO_TEST_CASE(of_giving_one_device_back) { fail_every_write(Act::give_back, Devices::one); }
BOOST_AUTO_TEST_CASE(of_giving_three_devices_back) {
  fail_every_write(Act::give_back, Devices::three);
}
BOOST_AUTO_TEST_CASE(of_reaping_one_device) { fail_every_write(Act::reap, Devices::one); }
BOOST_AUTO_TEST_CASE(of_reaping_three_devices) { fail_every_write(Act::reap, Devices::three); }

BOOST_AUTO_TEST_SUITE_END()
