#pragma once

namespace netlend::test {

/// Puts the rest of this program into mount, net, pid, ipc, uts and cgroup namespaces of its own,
/// as a child of this process, with a private /run, /dev and /sys/fs/cgroup
/// (support/own_cgroups.hpp): whatever it makes there dies with it. Returns in the child; the
/// parent waits for it, removes its cgroups and exits as it did.
void enter_own_namespaces();

/// A fresh, empty network namespace for this thread: called by a fixture before each case.
void enter_new_netns();

/// That as a fixture.
struct FreshNetns {
  FreshNetns() { enter_new_netns(); }
};

}  // namespace netlend::test
