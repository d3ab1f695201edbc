#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/planning.hpp"
#include "cli/verbs.hpp"
#include "container/read_only_program.hpp"
#include "lifecycle/bundle_run.hpp"

namespace netlend::cli {

namespace {
constexpr std::uint64_t kListenedMax = 1000;

/// How many descriptors a service manager, or an engine in its place, has passed on to us for the
/// container. Source: sd_listen_fds(3).
unsigned listened_fds() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr) return 0;
  if (parse_number(pid, INT_MAX) != static_cast<std::uint64_t>(::getpid())) return 0;
  const auto number = parse_number(count, kListenedMax);
  if (!number)
    throw Error(
        fmt::format("LISTEN_FDS: '{}' is no number up to {}", printable(count), kListenedMax));
  return static_cast<unsigned>(*number);
}

BundleOptions make_options(const BundleArguments& arguments) {
  return {.id = ContainerId{arguments.id},
          .bundle = arguments.bundle,
          .plans = {.command_line = make_plan(arguments), .force = arguments.force},
          .pid_file = arguments.pid_file,
          .console_socket = arguments.console_socket,
          .root_change = arguments.no_pivot ? RootChange::move : RootChange::pivot,
          .keyring = arguments.no_new_keyring ? SessionKeyring::callers : SessionKeyring::own,
          .listened_fds = listened_fds(),
          .preserved_fds = arguments.preserved_fds};
}
}  // namespace

void prepare_to_contain(const BundleArguments& arguments, const std::vector<std::string>& words) {
  ensure_read_only_program(words);
  const unsigned listened = listened_fds();
  for (unsigned i = 1; i <= listened + arguments.preserved_fds; ++i) {
    const auto fd = static_cast<int>(STDERR_FILENO + i);
    if (::fcntl(fd, F_GETFD) != -1) continue;
    throw Error::usage(i <= listened
                           ? fmt::format("LISTEN_FDS={}: descriptor {} is not open", listened, fd)
                           : fmt::format("--preserve-fds {}: descriptor {} is not open",
                                         arguments.preserved_fds, fd));
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
