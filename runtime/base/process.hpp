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

/// The kernel's id of this boot. Source: random(4), /proc/sys/kernel/random/boot_id.
std::string boot_id();

}  // namespace netlend
