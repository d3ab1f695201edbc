#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "fault/trace.hpp"
#include "net/lending_fixture.hpp"

namespace netlend::test {

/// How often a point is tried for: what waits for the kernel can ask, and so do a thing, once more
/// or less than the last time.
inline constexpr int kRunsPerPoint = 3;

/// A line for the table that integration/fault/run prints: so often was this fault survived.
void tell_survived(std::string_view fault, std::string_view where, int times);

/// Whether the long counts are asked for (`make soak`), by NETLEND_SOAK in the environment.
bool is_soak();

/// Which points of a matrix this process takes, where several share it: every `step`th from `first`
/// on. By NETLEND_SHARE in the environment, "2/4"; all of them without it.
struct Share {
  int first = 1;
  int step = 1;
};
Share share();

/// lan0; or a macvlan, a bridge port and a pair that is attached to the bridge; or two that have
/// what netlend restores beside a device's link, addresses and routes: "full0", a veth with rules,
/// chains of nftables, traffic control, neighbours and settings of its queues, and "tap0", a bridge
/// port with entries and flags.
enum class Devices { one, three, furnished };
Plan plan_of(Devices devices);

/// The Lab's home with more devices in it: "mac0", a macvlan, and "port0", a veth on the bridge
/// "br0"; or the furnished ones in their place. Knows whether all of it is as it was.
class Scene : public Lab {
 public:
  explicit Scene(Devices devices = Devices::three);

  Devices devices() const noexcept { return devices_; }
  /// More at home, by a shell command.
  void add(const std::string& command);
  /// What isn't as it was, at home and in the state folder, in lines of a diff; empty: all is.
  std::string difference();
  /// Brings home by one reap what a process left that was killed, or met a fault: of the dead, and
  /// what it lent in spite of that. What that reap reports.
  std::string reap_once();

 private:
  std::string picture();

  Devices devices_;
  UniqueFd tap_;
  std::string before_;
};

/// A thing of ours that a fault strikes.
enum class Act { lend, lend_through_staging, give_back, reap };

/// One run of an act from its beginning, on a scene where all is home; afterwards it has been
/// struck, or has ended.
class Performance {
 public:
  Performance(Scene& scene, Act act, Devices devices);
  Outcome run(const IsPoint& is_point, const Fault& fault);
  /// Without a fault; each call is counted.
  Outcome run_counted(const IsPoint& is_point);
  /// In this process. Throws Error with what couldn't be done.
  void perform();

 private:
  Scene& scene_;
  Act act_;
  Plan plan_;
  std::optional<Sleeper> mortal_;
  std::string ledger_;
};

std::string text_of(Act act, Devices devices);

}  // namespace netlend::test
