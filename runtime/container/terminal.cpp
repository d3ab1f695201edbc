#include "container/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/syscall.hpp"

namespace netlend {

namespace {
constexpr std::size_t kChunkBytes = 16 * 1024UL;

/// The caller's terminal, or standard output where there is none.
int callers_terminal() {
  constexpr std::array kInOrder{STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO};
  const auto* const found =
      std::ranges::find_if(kInOrder, [](int fd) { return ::isatty(fd) != 0; });
  return found == kInOrder.end() ? STDOUT_FILENO : *found;
}

/// Without job control (ENOTTY: it isn't our controlling terminal) everybody is in the foreground.
bool in_foreground() {
  const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
  return foreground == -1 || foreground == ::getpgrp();
}
}  // namespace

TerminalRelay::TerminalRelay(UniqueFd master, Relayed relayed)
    : master_(std::move(master)),
      output_(relayed == Relayed::terminals ? callers_terminal() : STDOUT_FILENO) {
  const int flags = check(::fcntl(master_.get(), F_GETFL), "read the flags of", "the terminal");
  check(::fcntl(master_.get(), F_SETFL, flags | O_NONBLOCK), "set the flags of", "the terminal");
  copy_window_size();
  take_keyboard();
  if (relayed == Relayed::terminals) return;
  if (::isatty(STDIN_FILENO) == 0) keyboard_open_ = true;
  if (::isatty(STDOUT_FILENO) == 0) write_plain_newlines();
}

/// Who reads a file or a pipe expects no carriage return before each newline.
void TerminalRelay::write_plain_newlines() {
  termios settings{};
  check(::tcgetattr(master_.get(), &settings), "read the settings of", "the container's terminal");
  settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  check(::tcsetattr(master_.get(), TCSANOW, &settings), "set", "the container's terminal");
}

TerminalRelay::~TerminalRelay() {
  // In the background the kernel would stop us here, and then the terminal isn't ours to set.
  if (keyboard_before_ && in_foreground()) {
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*keyboard_before_);
  }
}

void TerminalRelay::take_keyboard() {
  if (::isatty(STDIN_FILENO) == 0 || !in_foreground()) return;
  termios now{};
  check(::tcgetattr(STDIN_FILENO, &now), "read the settings of", "the terminal");
  if (!keyboard_before_) keyboard_before_ = now;
  ::cfmakeraw(&now);
  check(::tcsetattr(STDIN_FILENO, TCSADRAIN, &now), "set to raw", "the terminal");
  keyboard_open_ = true;
}

void TerminalRelay::copy_window_size() {
  winsize size{};
  // A terminal without a size (a serial line) leaves the container's without one.
  if (::ioctl(callers_terminal(), TIOCGWINSZ, &size) == 0)
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

std::vector<pollfd> TerminalRelay::wanted() const {
  // poll(2) skips negative descriptors.
  const bool wants_keys = keyboard_open_ && keys_.empty();
  const auto to_container = keys_.empty() ? POLLIN : POLLIN | POLLOUT;
  return {{.fd = wants_keys ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
          {.fd = output_open_ ? master_.get() : -1,
           .events = static_cast<short>(to_container),
           .revents = 0}};
}

void TerminalRelay::handle(const pollfd& caller, const pollfd& container) {
  if (caller.revents != 0) keyboard_open_ = read_keys();
  if ((container.revents & POLLOUT) != 0) keyboard_open_ = write_keys() && keyboard_open_;
  if ((container.revents & (POLLIN | POLLHUP | POLLERR)) != 0) output_open_ = write_output();
}

bool TerminalRelay::read_keys() {
  std::array<char, kChunkBytes> chunk{};
  const auto size = ::read(STDIN_FILENO, chunk.data(), chunk.size());
  if (size > 0) keys_.append(chunk.data(), static_cast<std::size_t>(size));
  return size > 0 || (size == -1 && (errno == EINTR || errno == EAGAIN));
}

bool TerminalRelay::write_keys() {
  const auto size = ::write(master_.get(), keys_.data(), keys_.size());
  if (size > 0) keys_.erase(0, static_cast<std::size_t>(size));
  const bool works = size > 0 || errno == EINTR || errno == EAGAIN;
  if (!works) keys_.clear();
  return works;
}

bool TerminalRelay::write_output() {
  std::array<char, kChunkBytes> chunk{};
  const auto size = ::read(master_.get(), chunk.data(), chunk.size());
  if (size == -1 && (errno == EINTR || errno == EAGAIN)) return true;
  // EIO: all of the container's descriptors of the terminal are closed at this moment.
  if (size <= 0) return false;
  std::string_view rest(chunk.data(), static_cast<std::size_t>(size));
  while (!rest.empty()) {
    const auto written = retry([&] { return ::write(output_, rest.data(), rest.size()); });
    if (written == -1) return false;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void TerminalRelay::drain() {
  for (;;) {
    pollfd container{.fd = master_.get(), .events = POLLIN, .revents = 0};
    if (!output_open_ || ::poll(&container, 1, 0) <= 0) return;
    output_open_ = write_output();
  }
}

}  // namespace netlend
