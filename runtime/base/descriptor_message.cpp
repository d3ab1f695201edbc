#include "base/descriptor_message.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>

#include "base/syscall.hpp"

namespace netlend {

namespace {
/// Room for a descriptor beside a message. Source: cmsg(3).
union DescriptorSpace {
  cmsghdr header;  // for its alignment
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

/// Refers to both, which have to live as long as it.
msghdr message_of(iovec& part, DescriptorSpace& space) {
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.bytes.data();
  message.msg_controllen = space.bytes.size();
  return message;
}
}  // namespace

void send_descriptor(int socket, std::string_view text, int descriptor) {
  std::string copy(text);
  DescriptorSpace space{};
  iovec part{.iov_base = copy.data(), .iov_len = copy.size()};
  msghdr message = message_of(part, space);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  check(retry([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); }), "hand over",
        "a descriptor");
}

ReceivedMessage receive_message(int socket, std::span<char> text) {
  DescriptorSpace space{};
  iovec part{.iov_base = text.data(), .iov_len = text.size()};
  msghdr message = message_of(part, space);
  ReceivedMessage received;
  received.size = retry([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  const cmsghdr* header = received.size == -1 ? nullptr : CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.descriptor = UniqueFd{fd};
  }
  return received;
}

}  // namespace netlend
