#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/error.hpp"
#include "cli/planning.hpp"
#include "cli/verbs.hpp"
#include "container/read_only_program.hpp"
#include "lifecycle/bundle_run.hpp"

namespace netlend::cli {

namespace {
BundleOptions make_options(const BundleArguments& arguments) {
  return {.id = ContainerId{arguments.id},
          .bundle = arguments.bundle,
          .plans = {.command_line = make_plan(arguments), .force = arguments.force},
          .pid_file = arguments.pid_file,
          .console_socket = arguments.console_socket,
          .root_change = arguments.no_pivot ? RootChange::move : RootChange::pivot,
          .keyring = arguments.no_new_keyring ? SessionKeyring::callers : SessionKeyring::own,
          .preserved_fds = arguments.preserved_fds};
}
}  // namespace

void prepare_to_contain(const BundleArguments& arguments, const std::vector<std::string>& words) {
  ensure_read_only_program(words);
  for (unsigned i = 1; i <= arguments.preserved_fds; ++i) {
    const auto fd = static_cast<int>(STDERR_FILENO + i);
    if (::fcntl(fd, F_GETFD) != -1) continue;
    throw Error::usage(
        fmt::format("--preserve-fds {}: descriptor {} is not open", arguments.preserved_fds, fd));
  }
}

int execute(const Session& session, const CreateArguments& arguments) {
  create_container(session.runtime(), make_options(arguments.bundle));
  return kExitSuccess;
}

int execute(const Session& session, const RunBundleArguments& arguments) {
  check_is_no_command(arguments.bundle);
  const auto options = make_options(arguments.bundle);
  return report(session, arguments.detach ? run_detached(session.runtime(), options)
                                          : run_container(session.runtime(), options));
}

}  // namespace netlend::cli
