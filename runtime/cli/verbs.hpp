#pragma once

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "net/lending.hpp"
#include "net/state_directory.hpp"

namespace netlend::cli {

/// Exit codes of all verbs but `run`.
inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// What a verb works with. Opening it makes the state folder, and needs root.
class Session {
 public:
  explicit Session(const Console& console);

  const Console& console() const noexcept { return console_; }
  const StateDirectory& state() const noexcept { return state_; }
  LendingContext lending() const;

  /// Prints the failures; the exit code that says whether there were any.
  int report(const Failures& failures) const;

 private:
  const Console& console_;
  StateDirectory state_;
};

/// The verbs, each in its own file. They return the exit code and throw Error.
int execute(const Session& session, const RunArguments& arguments);
int execute(const Session& session, const LendArguments& arguments);
int execute(const Session& session, const ReturnArguments& arguments);
int execute(const Session& session, const LoansArguments& arguments);
int execute(const Session& session, const PlanArguments& arguments);
int execute(const Session& session, const ShowArguments& arguments);
int execute(const Session& session, const ReapArguments& arguments);
int execute(const Session& session, const AllowArguments& arguments);
int execute(const Session& session, const DisallowArguments& arguments);

}  // namespace netlend::cli
