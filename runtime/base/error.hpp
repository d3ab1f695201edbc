#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace netlend {

/// Whose mistake it was: `usage` is what can't be right on any machine, a word or an option that
/// the user can retype (exit code 2); what isn't there or is refused has failed.
enum class ErrorKind { failed, usage };

/// The one exception type: what we wanted, on which object, why not, what to do if that is known.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, int errno_value = 0);

  static Error usage(const std::string& message);

  /// The errno of the kernel's answer; 0 where none was involved.
  int errno_value() const noexcept { return errno_value_; }
  ErrorKind kind() const noexcept { return kind_; }

  /// The same error with a fact of the caller's in front: "CONTEXT: message".
  Error within(std::string_view context) const;

 private:
  int errno_value_;
  ErrorKind kind_ = ErrorKind::failed;
};

/// A step of a teardown that could not be done; teardown goes on past it and returns them all.
struct Failure {
  std::string what;
  bool operator==(const Failure&) const = default;
};
using Failures = std::vector<Failure>;

/// Why, for people: of std::bad_alloc "out of memory". Valid as long as the exception.
const char* text_of(const std::exception& error) noexcept;

/// Runs one step of a teardown; what it throws becomes a Failure. False if it threw.
template <typename Step>
bool attempt(Failures& failures, Step step) noexcept {
  try {
    step();
    return true;
  } catch (const std::exception& error) {
    failures.push_back({text_of(error)});
    return false;
  }
}

/// "No such device (ENODEV)".
std::string errno_text(int errno_value);

}  // namespace netlend
