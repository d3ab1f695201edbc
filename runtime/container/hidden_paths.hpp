#pragma once

namespace netlend {

/// Covers what is at `location`: a folder by an empty one, anything else by `null_device`, a mount
/// of /dev/null (open_null_device()).
void hide_path(int location, int null_device);

/// Makes all mounts at and below `location` read-only, without set-user-id bits, devices and
/// programs.
void protect_path(int location);

}  // namespace netlend
