#pragma once

#include <vector>

namespace netlend {

struct Watch;

/// Makes this process, fresh from fork(2), one that nobody's end takes along and that keeps nothing
/// of anybody's alive: a session and cgroups of its own, no descriptors but `keep` (-1 is none),
/// the mount namespace of PID 1 where netlend's state is the same there, TERM (but at the machine's
/// own shutdown), HUP and INT ignored, the capabilities that giving back needs and no others.
/// Throws Error.
void seclude(const std::vector<int>& keep, const Watch& watch);

/// Gives back to the kernel what a process that only waits doesn't need.
void release_memory() noexcept;

}  // namespace netlend
