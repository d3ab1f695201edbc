#include "cli/verbs.hpp"
#include "lifecycle/bundle_run.hpp"

namespace netlend::cli {

int execute(const Session& session, const StartArguments& arguments) {
  start_container(session.runtime(), ContainerId{arguments.id});
  return kExitSuccess;
}

}  // namespace netlend::cli
