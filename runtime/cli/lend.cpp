#include "cli/planning.hpp"
#include "cli/target.hpp"
#include "cli/verbs.hpp"
#include "guardian/guardian.hpp"
#include "net/policy.hpp"

namespace netlend::cli {

int execute(const Session& session, const LendArguments& arguments) {
  const Plan plan = make_plan(session.lending(), arguments, Reaping::yes);
  const Borrower borrower =
      find_borrower(session.state(), session.containers(), parse_target(arguments.to), plan);
  const auto lend_as_set = load_configuration().settings.guardian ? lend_guarded : lend;
  lend_as_set(session.lending(), plan, borrower, {.force = arguments.force});
  return kExitSuccess;
}

}  // namespace netlend::cli
