#include "cli/planning.hpp"
#include "cli/target.hpp"
#include "cli/verbs.hpp"
#include "guardian/guardian.hpp"
#include "net/policy/policy.hpp"

namespace netlend::cli {

int execute(const Session& session, const LendArguments& arguments) {
  const Plan plan = make_plan(session.lending(), arguments, Reaping::yes);
  const Borrower borrower =
      find_borrower(session.state(), session.containers(), parse_target(arguments.to), plan);
  lend_guarded(session.lending(), plan, borrower,
               {.options = {.force = arguments.force},
                .lender = Lender::leaves,
                .settings = load_configuration().settings});
  return kExitSuccess;
}

}  // namespace netlend::cli
