#pragma once

#include "base/unique_fd.hpp"

namespace netlend {

/// A pseudo terminal of the container's own devpts.
struct Pty {
  UniqueFd master;
  UniqueFd slave;
};

/// Opens a new one of the devpts at /dev/pts, before anything foreign runs there.
/// Source: pty(7), ioctl_tty(2) TIOCGPTPEER (no path, so none can be swapped: CVE-2025-52565).
Pty open_pty();

/// Mounts the terminal on /dev/console, where programs write that have no other.
void mount_console(const Pty& pty);

/// Makes the terminal standard input, output and error, each where it was a terminal before: no
/// descriptor of the caller's terminal stays, on which the command could type (CVE-2017-5226).
void replace_standard_terminals(const Pty& pty);

/// True if standard input, output or error is a terminal.
bool any_standard_terminal() noexcept;

}  // namespace netlend
