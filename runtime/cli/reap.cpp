#include <fmt/core.h>

#include "base/text.hpp"
#include "cli/ledgers.hpp"
#include "cli/verbs.hpp"
#include "lifecycle/container_store.hpp"

namespace netlend::cli {

namespace {
bool is_wanted(const Session& session, const ReapArguments& arguments) {
  if (arguments.scope == ReapScope::dead || arguments.yes) return true;
  std::string devices;
  for (const auto& ledger : load_ledgers(session.state()).ledgers) {
    if (borrower_liveness(ledger) == Liveness::dead) continue;
    for (const auto& loan : ledger.loans) {
      devices += fmt::format("{}'{}' from {}", devices.empty() ? "" : ", ",
                             printable(loan.home_name()), describe_borrower(ledger));
    }
    for (const auto& loan : ledger.address_loans) {
      devices += fmt::format("{}'{}' from {}", devices.empty() ? "" : ", ", addresses_of(loan),
                             describe_borrower(ledger));
    }
  }
  return devices.empty() || confirm(fmt::format("Take {}?", devices));
}
}  // namespace

int execute(const Session& session, const ReapArguments& arguments) {
  if (!is_wanted(session, arguments)) return kExitFailed;
  Failures failures = reap(session.lending(), arguments.scope);
  const Failures more = forget_dead_containers(session.containers());
  failures.insert(failures.end(), more.begin(), more.end());
  return session.report(failures);
}

}  // namespace netlend::cli
