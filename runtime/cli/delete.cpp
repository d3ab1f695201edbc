#include "cli/verbs.hpp"
#include "lifecycle/delete_container.hpp"

namespace netlend::cli {

int execute(const Session& session, const DeleteArguments& arguments) {
  return session.report(
      delete_container(session.runtime(), ContainerId{arguments.id}, arguments.force));
}

}  // namespace netlend::cli
