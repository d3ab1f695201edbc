#pragma once

#include <set>

#include "base/unique_fd.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// Those at home who take a device that comes there for a new one: udev names it and sets it up as
/// its rules say, a network manager gives it addresses. Tells when they are done. udev looks after
/// one network namespace, its own, which is that of the machine's first process.
class Onlookers {
 public:
  /// Listens from now on for what happens to devices of `home`.
  explicit Onlookers(const Netns& home);

  /// False where no udev looks after this home: then there is nobody to wait for.
  bool are_there() const noexcept { return events_.is_open(); }

  /// Waits until udev has dealt with all that it was told of. False at the timeout,
  /// which can have passed already (<= 0).
  /// Source: udevadm(8), settle.
  static bool wait_for_udev(int timeout_ms);

  /// What happened until now is not looked at.
  void forget() noexcept;

  /// False as soon as somebody touches one of the devices, or their addresses, within the time.
  bool stay_away(const std::set<int>& ifindexes, int time_ms);

 private:
  /// Closed where nobody is there.
  UniqueFd events_;
};

}  // namespace netlend
