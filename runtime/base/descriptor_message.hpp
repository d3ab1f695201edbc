#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>

#include "base/unique_fd.hpp"

namespace netlend {

/// Sends a descriptor and, in the same message, `text`. Throws Error. Source: unix(7), SCM_RIGHTS.
void send_descriptor(int socket, std::string_view text, int descriptor);

struct ReceivedMessage {
  /// As recvmsg(2) returns it; with -1, errno says why.
  ssize_t size = -1;
  /// Closed where none was sent along.
  UniqueFd descriptor;
};

/// Waits for the next message, whose text is put into `text`.
ReceivedMessage receive_message(int socket, std::span<char> text);

}  // namespace netlend
