#include "lifecycle/run.hpp"

#include "cli/planning.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

namespace {
RunOptions make_options(const RunArguments& arguments) {
  std::vector<IpAddress> dns;
  for (const auto& server : arguments.dns_servers) dns.emplace_back(server);
  return {.id = arguments.id ? ContainerId{*arguments.id} : new_container_id(),
          .plan = make_plan(arguments),
          .command = arguments.command,
          .dns = std::move(dns),
          .show = arguments.shown_paths,
          .force = arguments.force};
}
}  // namespace

int report(const Session& session, const RunResult& result) {
  if (!result.error.empty()) session.console().error(result.error);
  session.report(result.failures);
  return result.exit_code;
}

int execute(const Session& session, const RunArguments& arguments) {
  return report(session, netlend::run(session.runtime(), make_options(arguments)));
}

}  // namespace netlend::cli
