#pragma once

#include "net/kernel/netns.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend {

/// What a guardian is called in /proc/PID/comm.
inline constexpr const char* kGuardianName = "netlend-guard";

/// Whether anybody but netlend itself holds the namespace that a device is to come home to: a name
/// (a mount outside of the state folder), a process in it that is no guardian, or one of another
/// program that has it open. If not, it ends with the guardian, and a virtual device that is in it
/// with it. True where that can't be told, as without /proc.
bool is_home_held(const StateDirectory& state, const NetnsIdentity& home);

}  // namespace netlend
