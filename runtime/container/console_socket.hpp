#pragma once

#include <string>

#include "base/unique_fd.hpp"

/// The socket of `--console-socket`, by which an engine gets a container's terminal.
/// Source: runc, docs/terminals.md, "Detached".
namespace netlend {

/// Throws Error that names the path.
UniqueFd connect_console_socket(const std::string& path);

/// Sends the descriptor `master` with the name that receivers expect beside it.
void send_terminal(int socket, int master);

}  // namespace netlend
