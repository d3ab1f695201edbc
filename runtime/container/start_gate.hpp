#pragma once

#include "base/unique_fd.hpp"
#include "container/channel.hpp"

/// Where a created container waits for `netlend start`: a socket in its state folder. Its first
/// process holds it open from the beginning, so nothing in the container is ever opened for it by a
/// path, and whoever starts it hears over the same connection why it couldn't.
namespace netlend {

/// The socket's name in the folder. It is there as long as the container isn't started.
inline constexpr const char* kStartGate = "start";

UniqueFd make_start_gate(int folder);

/// The first process's side: waits for somebody who says go. Throws Error if the first who comes is
/// gone without it: then the container isn't to be started any more.
ChildChannel wait_at_start_gate(const UniqueFd& gate);

/// The starter's side. Throws Error (ECONNREFUSED: nobody waits there).
ParentChannel enter_start_gate(int folder);

}  // namespace netlend
