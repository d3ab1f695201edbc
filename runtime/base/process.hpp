#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace netlend {

/// A process that can't be mistaken for a later one with its pid, nor for one of another boot.
struct ProcessIdentity {
  pid_t pid = 0;
  /// Clock ticks after boot: field 22 of proc(5) /proc/PID/stat.
  std::uint64_t start_time_ticks = 0;
  std::string boot_id;
  /// Inode of the pid namespace whose pid it is: seen from another one, the pid means nothing.
  std::uint64_t pid_namespace = 0;

  bool operator==(const ProcessIdentity&) const = default;
};

enum class Liveness { alive, dead, unknown };

/// Who `pid` is. Throws Error (ESRCH or ENOENT: no such process).
ProcessIdentity identify_process(pid_t pid);

/// `dead` when it ended (a zombie counts), its pid was given to another, or the machine was booted
/// anew; `unknown` when it belongs to a pid namespace that isn't ours.
Liveness liveness(const ProcessIdentity& process);

/// Whether it lives, but has been killed or is exiting: it can do nothing more, and has what it has
/// until the kernel is done with it. False for one that can't be judged. Throws Error.
/// Source: proc(5), SigPnd and ShdPnd of /proc/PID/status, flags of /proc/PID/stat.
bool is_ending(const ProcessIdentity& process);

/// Waits until it has ended or `timeout_ms` have passed; false at the timeout. Throws Error.
bool wait_for_end(const ProcessIdentity& process, int timeout_ms);

/// The kernel's id of this boot. Source: random(4), /proc/sys/kernel/random/boot_id.
std::string boot_id();

}  // namespace netlend
