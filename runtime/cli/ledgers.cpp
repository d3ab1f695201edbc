#include "cli/ledgers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.hpp"
#include "cli/target.hpp"

namespace netlend::cli {

namespace {
bool has_loan(const Ledger& ledger, const std::string& name) {
  return std::any_of(ledger.loans.begin(), ledger.loans.end(), [&](const Loan& loan) {
    if (loan.inside == name || loan.home_name() == name) return true;
    if (!loan.home) return false;
    const auto& altnames = loan.home->link.altnames;
    return std::find(altnames.begin(), altnames.end(), name) != altnames.end();
  });
}

std::string list_loans(const std::vector<const Ledger*>& ledgers) {
  std::string out;
  for (const Ledger* ledger : ledgers) {
    for (const auto& loan : ledger->loans) {
      out +=
          fmt::format("{}'{}' to {} as '{}'", out.empty() ? "" : ", ", printable(loan.home_name()),
                      describe_borrower(*ledger), printable(loan.inside));
    }
  }
  return out.empty() ? "nothing" : out;
}

std::vector<const Ledger*> matching(const std::vector<Ledger>& ledgers, const std::string& what) {
  std::vector<const Ledger*> found;
  for (const auto& ledger : ledgers) {
    if (ledger.id.str() == what || has_loan(ledger, what)) found.push_back(&ledger);
  }
  return found;
}
}  // namespace

OpenLedgers load_ledgers(const StateDirectory& state) {
  OpenLedgers open;
  for (const auto& name : list_ledgers(state)) {
    attempt(open.broken, [&] {
      if (auto ledger = load_ledger(state, name)) open.ledgers.push_back(*std::move(ledger));
    });
  }
  return open;
}

HomeBy home_by(const Ledger& ledger) {
  if (borrower_liveness(ledger) == Liveness::dead) return HomeBy::reap;
  if (is_by_hand(ledger)) return HomeBy::hand;
  return liveness(ledger.lender) == Liveness::alive ? HomeBy::lender : HomeBy::hook;
}

std::string_view describe(HomeBy by) {
  switch (by) {
    case HomeBy::lender:
      return "when the command ends";
    case HomeBy::hook:
      return "by the poststop hook";
    case HomeBy::hand:
      return "by 'netlend return'";
    case HomeBy::reap:
      return "by 'netlend reap'";
  }
  return "unknown";
}

std::string_view word_for(HomeBy by) {
  switch (by) {
    case HomeBy::lender:
      return "run";
    case HomeBy::hook:
      return "hook";
    case HomeBy::hand:
      return "return";
    case HomeBy::reap:
      return "reap";
  }
  return "unknown";
}

std::string describe_borrower(const Ledger& ledger) {
  return ledger.process ? fmt::format("{} (pid {})", ledger.id.str(), ledger.process->pid)
                        : fmt::format("{} ({})", ledger.id.str(), printable(ledger.netns_path));
}

std::string format_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::vector<std::string> find_ledgers(const std::vector<Ledger>& ledgers, const std::string& what) {
  const auto found = matching(ledgers, what);
  if (found.empty()) {
    std::vector<const Ledger*> all;
    all.reserve(ledgers.size());
    for (const auto& ledger : ledgers) all.push_back(&ledger);
    throw Error(fmt::format("'{}' is not lent and nobody's id; lent are: {}", printable(what),
                            list_loans(all)));
  }
  std::vector<std::string> names;
  names.reserve(found.size());
  for (const Ledger* ledger : found) {
    if (ledger->borrower != found.front()->borrower) {
      throw Error(fmt::format("'{}' is ambiguous: {}; use a name that only one of them has",
                              printable(what), list_loans(found)));
    }
    names.push_back(ledger->name);
  }
  return names;
}

}  // namespace netlend::cli
