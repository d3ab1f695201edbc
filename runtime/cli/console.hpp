#pragma once

#include <string_view>

#include "base/log.hpp"
#include "cli/arguments.hpp"

namespace netlend::cli {

/// Where messages go: one line each on stderr, and in the log.
class Console {
 public:
  /// Throws Error if the log can't be opened.
  explicit Console(const Globals& globals);

  /// "netlend: SENTENCE".
  void error(std::string_view sentence) const;
  /// As error(), but nothing has failed.
  void note(std::string_view sentence) const;
  /// A step of the lender's: on stderr with --debug, and then in the log too.
  void step(std::string_view sentence) const;

 private:
  bool debug_;
  Log log_;
};

/// Writes to stdout what the user asked for. Throws Error where it can't be written: half a list
/// must not look like a whole one.
void print(std::string_view text);

/// Asks on the terminal; false for anything but yes. Throws Error (usage) where nobody can answer.
bool confirm(std::string_view question);

}  // namespace netlend::cli
