#include "cli/rule.hpp"
#include "cli/verbs.hpp"
#include "net/policy/policy_file.hpp"

namespace netlend::cli {

int execute(const Session& session, const DisallowArguments& arguments) {
  disallow_rule(session.state(), make_rule(arguments.rule));
  return kExitSuccess;
}

}  // namespace netlend::cli
