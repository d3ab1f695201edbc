#pragma once

namespace netlend {

/// Moves this process into a cgroup `netlend/.guardian` at the root of every hierarchy that it sees
/// and may write: the end of the unit or of the engine that its lender belongs to is then not its
/// own. Where it may not, it stays where it is. Source: cgroups(7).
void leave_cgroups() noexcept;

/// Whether there is any that it may.
bool can_leave_cgroups();

}  // namespace netlend
