#include "container/channel.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/syscall.hpp"
#include "container/send_descriptor.hpp"

namespace netlend {

namespace {
constexpr char kGo = 'g';
constexpr char kReady = 'r';
constexpr char kTerminal = 't';
constexpr char kFailure = 'f';
constexpr std::size_t kMessageMax = 4096;
// A failure is its letter, its exit code as one byte, and its text.
constexpr std::size_t kFailureHeader = 2;

UniqueFd received_descriptor(msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
    throw Error("receive from the container: a terminal was announced and not sent");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd{fd};
}
}  // namespace

Channel make_channel() {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "make",
        "a channel to the container");
  return {.parent = ParentChannel{UniqueFd{ends[0]}}, .child = ChildChannel{UniqueFd{ends[1]}}};
}

void ParentChannel::say_go() {
  check(retry([&] { return ::send(fd_.get(), &kGo, sizeof kGo, MSG_NOSIGNAL); }), "start",
        "the container");
}

ParentChannel::Report ParentChannel::receive() {
  std::array<char, kMessageMax> text{};
  DescriptorSpace space{};
  iovec part{.iov_base = text.data(), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.bytes.data();
  message.msg_controllen = space.bytes.size();
  const auto size = static_cast<std::size_t>(
      check(retry([&] { return ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC); }), "hear from",
            "the container"));
  if (size == 0) return std::monostate{};
  if (text[0] == kReady) return Ready{};
  if (text[0] == kTerminal) return received_descriptor(message);
  if (text[0] != kFailure || size < kFailureHeader) {
    throw Error("hear from the container: an unknown message");
  }
  return StartFailure{.exit_code = static_cast<unsigned char>(text[1]),
                      .message = std::string(text.data() + kFailureHeader, size - kFailureHeader)};
}

bool ChildChannel::wait_for_go() {
  char word = 0;
  const auto size =
      check(retry([&] { return ::recv(fd_.get(), &word, sizeof word, 0); }), "wait for", "the go");
  return size == sizeof word && word == kGo;
}

void ChildChannel::say_ready() {
  check(retry([&] { return ::send(fd_.get(), &kReady, sizeof kReady, MSG_NOSIGNAL); }), "answer",
        "netlend");
}

void ChildChannel::send_terminal(int master) {
  send_descriptor(fd_.get(), std::string_view(&kTerminal, 1), master);
}

void ChildChannel::report(const StartFailure& failure) noexcept {
  std::array<char, kMessageMax> text{kFailure, static_cast<char>(failure.exit_code)};
  const auto size = std::min(failure.message.size(), text.size() - kFailureHeader);
  std::memcpy(text.data() + kFailureHeader, failure.message.data(), size);
  // Without a parent there is nobody to tell, and the child ends in any case.
  static_cast<void>(::send(fd_.get(), text.data(), kFailureHeader + size, MSG_NOSIGNAL));
}

}  // namespace netlend
