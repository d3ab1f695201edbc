#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/plan/plan.hpp"

namespace netlend::fuzz {

/// A broken promise. Not an Error, so that no target takes it for a refusal.
class Finding : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws Finding unless `holds`.
void require(bool holds, const std::string& promise);

/// Throws Finding unless `message` may be shown on a terminal and logged: not empty, bounded, and
/// foreign bytes only escaped.
void require_sentence(std::string_view message);

/// What `parse` returns; nothing where it refuses, which it does with a sentence.
template <typename Parse>
auto accepted(Parse parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const Error& error) {
    require_sentence(error.what());
    return std::nullopt;
  }
}

/// As accepted(), where a refusal is to be the user's mistake (exit code 2).
template <typename Parse>
auto accepted_from_user(Parse parse) -> std::optional<decltype(parse())> {
  return accepted([&] {
    try {
      return parse();
    } catch (const Error& error) {
      require(error.kind() == ErrorKind::usage, "what the user typed is refused as such");
      throw;
    }
  });
}

/// Throws Finding unless the plan file that says the same as `plan` is read as `plan`, and is
/// written only one way.
void require_plan_survives_a_file(const Plan& plan);

}  // namespace netlend::fuzz
