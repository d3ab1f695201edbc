#pragma once

#include <cstdint>

#include "net/kernel/netns.hpp"

namespace netlend {

/// L3 network namespaces: children of a network namespace, which share its devices, routes and
/// firewall and own some of its addresses. Only a kernel with the patches of kernel/ has them;
/// their numbers are those of that series.

/// Whether 127.0.0.1 inside is a container's own, or the parent's.
enum class Loopback { own, shared };

/// Whether this kernel has them, be it that the caller may make one or not. Makes none.
bool has_l3_namespaces();

/// A new child of `parent`, that owns nothing. It lives for as long as a process is in it or a
/// descriptor of it is open; what it owns goes back to the parent at its end. Throws Error (ENOTTY:
/// this kernel has none; ENOSPC: user.max_net_namespaces).
Netns create_l3_namespace(const Netns& parent, Loopback loopback);

/// Whether it is a child of the network namespace `parent`.
bool is_l3_child(const Netns& netns, const NetnsIdentity& parent);

/// The number that its parent knows it by, which no other child of the same parent is given later.
/// Throws Error (EINVAL: an ordinary network namespace).
std::uint32_t l3_id(const Netns& netns);

}  // namespace netlend
