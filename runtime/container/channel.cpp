#include "container/channel.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/descriptor_message.hpp"
#include "base/syscall.hpp"

namespace netlend {

namespace {
constexpr char kGo = 'g';
constexpr char kReady = 'r';
constexpr char kTerminal = 't';
constexpr char kFailure = 'f';
constexpr std::size_t kMessageMax = 4096;
// A failure is its letter, its exit code as one byte, and its text.
constexpr std::size_t kFailureHeader = 2;
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
  auto received = receive_message(fd_.get(), text);
  const auto size = static_cast<std::size_t>(check(received.size, "hear from", "the container"));
  if (size == 0) return std::monostate{};
  if (text[0] == kReady) return Ready{};
  if (text[0] == kTerminal && received.descriptor.is_open()) return std::move(received.descriptor);
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
