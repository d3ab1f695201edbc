#include <nlohmann/json.hpp>

#include "cli/loans_json.hpp"
#include "cli/verbs.hpp"
#include "cli/view_json.hpp"

namespace netlend::cli {

int execute(const Session& session, const StateArguments& arguments) {
  print(format_json(view_to_json(session.containers().get(ContainerId{arguments.id}))));
  return kExitSuccess;
}

}  // namespace netlend::cli
