#include "container/send_descriptor.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>

#include "base/syscall.hpp"

namespace netlend {

void send_descriptor(int socket, std::string_view text, int descriptor) {
  std::string copy(text);
  DescriptorSpace space{};
  iovec part{.iov_base = copy.data(), .iov_len = copy.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.bytes.data();
  message.msg_controllen = space.bytes.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  check(retry([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); }), "hand over",
        "the terminal");
}

}  // namespace netlend
