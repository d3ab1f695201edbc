#pragma once

#include <string_view>

namespace netlend {

/// Lets go of all file systems of the kernel's (proc, sysfs and the like) in this mount namespace
/// but those below the folder `spared`, if any, and of none in others. `proc` is a folder of
/// procfs; paths are as they are seen from the root of this process. Throws Error.
void detach_kernel_file_systems(int proc, std::string_view spared = {});

}  // namespace netlend
