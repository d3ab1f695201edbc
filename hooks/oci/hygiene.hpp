#pragma once

namespace netlend {

/// Leaves nothing of the caller's that could change what a privileged program does: environment,
/// working folder, umask, descriptors from 3, signal actions and mask, core dumps. Descriptors 0 to
/// 2 that were closed are /dev/null afterwards. Throws Error where the program has more privilege
/// than its caller (AT_SECURE), which no engine's hook has. Source: CVE-2025-23266, CVE-2024-21626.
void forget_caller();

/// Ends the process with exit code 1 and a line on stderr once `seconds` have passed: a hook that
/// hangs in a kernel call must not hang the engine. What it had moved by then, reap brings home.
void set_deadline(unsigned seconds);

/// True with CAP_NET_ADMIN over the machine's devices, that is in the initial user namespace.
/// Source: user_namespaces(7).
bool can_administer_network();

}  // namespace netlend
