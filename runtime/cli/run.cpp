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

int execute(const Session& session, const RunArguments& arguments) {
  const RunResult result =
      netlend::run(session.lending(), make_options(arguments),
                   [&](const std::string& note) { session.console().note(note); });
  if (!result.error.empty()) session.console().error(result.error);
  session.report(result.failures);
  return result.exit_code;
}

}  // namespace netlend::cli
