#pragma once

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/ledgers.hpp"
#include "lifecycle/container_store.hpp"
#include "lifecycle/run_result.hpp"
#include "lifecycle/runtime.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/lending.hpp"

namespace netlend::cli {

/// Exit codes of all verbs but `run`.
inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// What a verb works with. Opening it makes the state folder, and needs root.
class Session {
 public:
  Session(const Console& console, const Globals& globals);

  const Console& console() const noexcept { return console_; }
  const StateDirectory& state() const noexcept { return state_; }
  const ContainerStore& containers() const noexcept { return containers_; }
  Books books() const noexcept { return {.state = state_, .containers = containers_}; }
  LendingContext lending() const;
  Runtime runtime() const;

  /// Prints the failures; the exit code that says whether there were any.
  int report(const Failures& failures) const;

 private:
  const Console& console_;
  StateDirectory state_;
  ContainerStore containers_;
};

/// Before anything is opened: makes this program safe to become a container, and checks that the
/// descriptors that it is to be left are there. `words` is argv without the program's name. Throws
/// Error.
void prepare_to_contain(const BundleArguments& arguments, const std::vector<std::string>& words);

/// Prints what went wrong in a run; its exit code.
int report(const Session& session, const RunResult& result);

/// The verbs, each in its own file. They return the exit code and throw Error.
int execute(const Session& session, const RunArguments& arguments);
int execute(const Session& session, const CreateArguments& arguments);
int execute(const Session& session, const RunBundleArguments& arguments);
int execute(const Session& session, const StartArguments& arguments);
int execute(const Session& session, const StateArguments& arguments);
int execute(const Session& session, const KillArguments& arguments);
int execute(const Session& session, const DeleteArguments& arguments);
int execute(const Session& session, const ListArguments& arguments);
int execute(const Session& session, const InjectArguments& arguments);
int execute(const Session& session, const LendArguments& arguments);
int execute(const Session& session, const ReturnArguments& arguments);
int execute(const Session& session, const LoansArguments& arguments);
int execute(const Session& session, const PlanArguments& arguments);
int execute(const Session& session, const ShowArguments& arguments);
int execute(const Session& session, const DoctorArguments& arguments);
int execute(const Session& session, const ReapArguments& arguments);
int execute(const Session& session, const AllowArguments& arguments);
int execute(const Session& session, const DisallowArguments& arguments);

}  // namespace netlend::cli
