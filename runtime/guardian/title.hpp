#pragma once

#include <string_view>

namespace netlend {

/// Shows `title` as this process's command line, cut to the room that the words and the environment
/// took which it was started with; the environment is empty from then on. Where /proc doesn't say
/// where they are, nothing changes. Source: proc(5), /proc/PID/cmdline.
void set_title(std::string_view title) noexcept;

}  // namespace netlend
