#include <algorithm>
#include <string>
#include <vector>

#include "cli/ledgers.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

namespace {
/// Of two loans of one name, the one that can be returned, or the one that there is to forget.
LoanPredicate preference(const StateDirectory& state, Leftover leftover) {
  return [&state, leftover](const Ledger& ledger, const Loan& loan) {
    const Whereto where = whereabouts(state, ledger, loan);
    const bool is_lost = where == Whereto::nowhere || where == Whereto::unknown;
    return leftover == Leftover::keep ? !is_lost : where != Whereto::away;
  };
}

/// One that nobody can read is meant by its own name alone, and there is nothing to do but forget
/// it.
bool is_unreadable(const Session& session, const OpenLedgers& open, const std::string& word) {
  const auto names = list_ledgers(session.state());
  return std::find(names.begin(), names.end(), word) != names.end() &&
         std::none_of(open.ledgers.begin(), open.ledgers.end(),
                      [&](const Ledger& ledger) { return ledger.name == word; });
}
}  // namespace

int execute(const Session& session, const ReturnArguments& arguments) {
  const OpenLedgers open = load_ledgers(session.state());
  // What is looked for may be in one of them.
  session.report(open.broken);
  std::vector<std::string> names;
  for (const auto& word : arguments.words) {
    if (arguments.leftover == Leftover::forget && is_unreadable(session, open, word)) {
      names.push_back(word);
      continue;
    }
    const auto found =
        find_ledgers(open.ledgers, word, preference(session.state(), arguments.leftover));
    names.insert(names.end(), found.begin(), found.end());
  }
  Failures failures;
  bool any_stays = false;
  for (const auto& name : names) {  // One that is there twice has been closed by the first.
    const Failures more = give_back(session.lending(), name, arguments.leftover);
    failures.insert(failures.end(), more.begin(), more.end());
    // What came by linux.netDevices, which has been noted.
    any_stays = any_stays || (more.empty() && is_open(session.state(), name));
  }
  if (arguments.leftover == Leftover::keep) {
    const int code = session.report(failures);
    return any_stays ? kExitFailed : code;
  }
  for (const auto& given_up : failures) session.console().note(given_up.what);
  return kExitSuccess;
}

}  // namespace netlend::cli
