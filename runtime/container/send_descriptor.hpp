#pragma once

#include <sys/socket.h>

#include <array>
#include <string_view>

namespace netlend {

/// Room for a descriptor beside a message. Source: cmsg(3).
union DescriptorSpace {
  cmsghdr header;  // for its alignment
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

/// Sends a descriptor and, in the same message, `text`. Throws Error. Source: unix(7), SCM_RIGHTS.
void send_descriptor(int socket, std::string_view text, int descriptor);

}  // namespace netlend
