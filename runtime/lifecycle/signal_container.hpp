#pragma once

#include <optional>

#include "base/unique_fd.hpp"
#include "lifecycle/container_store.hpp"

namespace netlend {

/// A pidfd of the container's first process; nothing once that has ended. Throws Error where it is
/// of a pid namespace that isn't ours.
std::optional<UniqueFd> open_first_process(const ContainerRecord& record);

enum class SignalTo { first_process, all_processes };

/// `netlend kill`. Throws Error, without any effect, unless the container is created or running;
/// all processes may be what is left of one that has stopped, also none.
void signal_container(const ContainerStore& containers, const ContainerId& id, int signal,
                      SignalTo to);

/// "9", "KILL", "SIGKILL", "RTMIN+3", and "0", which only asks whether it could be sent. Throws
/// Error (usage).
int parse_signal(std::string_view text);

}  // namespace netlend
