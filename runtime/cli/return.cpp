#include "cli/ledgers.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

int execute(const Session& session, const ReturnArguments& arguments) {
  const OpenLedgers open = load_ledgers(session.state());
  // What is looked for may be in one of them.
  session.report(open.broken);
  Failures failures;
  for (const auto& name : find_ledgers(open.ledgers, arguments.what)) {
    const Failures more = give_back(session.lending(), name);
    failures.insert(failures.end(), more.begin(), more.end());
  }
  return session.report(failures);
}

}  // namespace netlend::cli
