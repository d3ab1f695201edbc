#pragma once

#include <string>
#include <vector>

namespace netlend {

/// Makes sure that this program can't be overwritten through the /proc/PID/exe of a process that
/// becomes a container (CVE-2019-5736): `#!/proc/self/exe` in an image makes the kernel execute us
/// again inside, dumpable and open to whoever shares the pid namespace. So we execute ourselves
/// once more through a read-only mount that is attached nowhere, and that nobody can make writable,
/// since it goes with the execve(2). Returns in the program started so. Chosen over a sealed copy
/// in memory because it copies nothing. `arguments` are all of argv but the program's name. Throws
/// Error.
void ensure_read_only_program(const std::vector<std::string>& arguments);

}  // namespace netlend
