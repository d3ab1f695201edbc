#pragma once

#include <functional>
#include <optional>
#include <string>

#include "net/kernel/netns.hpp"

/// A network namespace has no name of its own: it is found by whoever holds it.
namespace netlend {

using IsWanted = std::function<bool(const Netns&)>;

/// What `path` shows, if that is wanted; nothing where it ended while we looked.
std::optional<Netns> open_wanted(const std::string& path, const IsWanted& is_wanted);

/// The namespace that is wanted, if it has a name in /run/netns or a process is in it. Each
/// namespace is asked once.
std::optional<Netns> find_inhabited_netns(const IsWanted& is_wanted);

/// That, or one that a process, such as a guardian, only has open. This reads what every process
/// has open, so it is for what is found in no other way.
std::optional<Netns> find_held_netns(const IsWanted& is_wanted);

/// The namespace that is wanted, if this process has it open.
std::optional<Netns> find_own_open_netns(const IsWanted& is_wanted);

}  // namespace netlend
