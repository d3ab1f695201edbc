#pragma once

#include <poll.h>
#include <termios.h>

#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace netlend {

/// What the container's terminal stands for: those of the caller's standard descriptors that are
/// terminals, the others being the command's own; or all of them, whatever they are.
enum class Relayed { terminals, standard_descriptors };

/// Carries bytes between the caller's terminal and the container's, whose other end is `master`.
/// While it lives and netlend is in the foreground, the caller's terminal is raw: keys, ^C and ^Z
/// among them, mean something only inside. Source: pty(7), termios(3).
class TerminalRelay {
 public:
  explicit TerminalRelay(UniqueFd master, Relayed relayed = Relayed::terminals);
  /// The caller's terminal is as it was before.
  ~TerminalRelay();
  TerminalRelay(const TerminalRelay&) = delete;
  TerminalRelay& operator=(const TerminalRelay&) = delete;

  /// What poll(2) shall wait for: two entries, the caller's terminal and the container's.
  std::vector<pollfd> wanted() const;
  /// Carries on with what poll(2) answered for wanted().
  void handle(const pollfd& caller, const pollfd& container);
  /// Copies the size of the caller's window (SIGWINCH).
  void copy_window_size();
  /// Takes up the keyboard if the caller's shell has put us into the foreground (SIGCONT).
  void take_keyboard();
  /// Passes on what the container, which has ended, has written last.
  void drain();

 private:
  void write_plain_newlines();
  bool read_keys();
  bool write_keys();
  bool write_output();

  UniqueFd master_;
  /// Where the command's output goes.
  int output_ = -1;
  std::optional<termios> keyboard_before_;
  bool keyboard_open_ = false;
  bool output_open_ = true;
  std::string keys_;
};

}  // namespace netlend
