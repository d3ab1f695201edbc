#include "cli/verbs.hpp"
#include "lifecycle/signal_container.hpp"

namespace netlend::cli {

int execute(const Session& session, const KillArguments& arguments) {
  signal_container(session.containers(), ContainerId{arguments.id}, parse_signal(arguments.signal),
                   arguments.all ? SignalTo::all_processes : SignalTo::first_process);
  return kExitSuccess;
}

}  // namespace netlend::cli
