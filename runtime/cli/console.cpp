#include "cli/console.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend::cli {

namespace {
constexpr std::size_t kSentenceMax = 4096;

void write_line(std::string_view sentence) {
  // Nobody could be told that stderr is closed.
  const std::string line = fmt::format("netlend: {}\n", printable(sentence, kSentenceMax));
  (void)retry([&] { return ::write(STDERR_FILENO, line.data(), line.size()); });
}
}  // namespace

Console::Console(const Globals& globals)
    : debug_(globals.debug), log_(globals.log_path, globals.log_format) {}

void Console::error(std::string_view sentence) const {
  write_line(sentence);
  log_.write(LogLevel::error, sentence);
}

void Console::note(std::string_view sentence) const {
  write_line(sentence);
  log_.write(LogLevel::info, sentence);
}

void Console::step(std::string_view sentence) const {
  if (!debug_) return;
  write_line(sentence);
  log_.write(LogLevel::debug, sentence);
}

void print(std::string_view text) { write_all(STDOUT_FILENO, text, "standard output"); }

bool confirm(std::string_view question) {
  if (::isatty(STDIN_FILENO) != 1) {
    throw Error::usage("nobody can be asked, since standard input is not a terminal; add --yes");
  }
  print(fmt::format("{} [y/N] ", question));
  std::array<char, 16> answer{};
  const auto length =
      check(retry([&] { return ::read(STDIN_FILENO, answer.data(), answer.size()); }), "read",
            "an answer");
  return length > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

}  // namespace netlend::cli
