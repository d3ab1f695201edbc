#pragma once

#include <string_view>

namespace netlend {

/// Sends a descriptor and, in the same message, `text`. Throws Error. Source: unix(7), SCM_RIGHTS.
void send_descriptor(int socket, std::string_view text, int descriptor);

}  // namespace netlend
