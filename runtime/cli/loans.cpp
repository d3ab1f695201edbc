#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/ledgers.hpp"
#include "cli/loans_json.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "net/l3/forward_firewall.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/stopped_forwarding.hpp"

namespace netlend::cli {

namespace {
std::string format_text(const Books& books, const std::vector<Ledger>& ledgers) {
  std::vector<Row> rows;
  std::vector<std::string> homes;
  bool any_address = false;
  for (const auto& ledger : ledgers) {
    const auto by = home_by(books, ledger);
    for (std::size_t i = 0; i < by.size(); ++i) {
      const Loan& loan = ledger.loans[i];
      rows.push_back({loan.home_name(), loan.inside, describe_borrower(ledger),
                      format_time(ledger.created_at_s), std::string(stage_name(loan.stage)),
                      std::string(describe(by[i]))});
      homes.push_back(describe_home(ledger.home));
    }
    for (const auto& loan : ledger.address_loans) {
      for (const auto& lent : loan.addresses) {
        rows.push_back({lent.home.address().str() + describe_ports(loan.ports), loan.inside,
                        describe_borrower(ledger), format_time(ledger.created_at_s),
                        std::string(stage_name(loan.stage)),
                        std::string(describe(home_of_addresses_by(books, ledger)))});
        homes.push_back(describe_home(ledger.home));
        any_address = true;
      }
    }
  }
  if (rows.empty()) return "";
  rows.insert(rows.begin(), {any_address ? "LENT" : "DEVICE", "INSIDE", "BORROWER", "SINCE",
                             "STAGE", "COMES HOME"});
  const bool any_elsewhere =
      std::any_of(homes.begin(), homes.end(), [](const auto& home) { return !home.empty(); });
  if (any_elsewhere) {
    homes.insert(homes.begin(), "HOME");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].insert(rows[i].begin() + 1, homes[i].empty() ? "here" : homes[i]);
    }
  }
  return format_table(rows);
}

/// A firewall may have been closed since, or home's forwarding, where no guardian sees to it.
void note_what_keeps_off(const Session& session, const AddressLoan& loan, const std::string& id,
                         Site& home) {
  const auto note = [&](const std::string& why) {
    session.console().note(fmt::format("'{}' doesn't reach '{}': {}", addresses_of(loan), id, why));
  };
  for (const auto& sysctl : list_stopped_forwarding(home, loan)) {
    note(fmt::format("{0} is 0; type: sysctl -w {0}=1", sysctl));
  }
  if (!is_forwarded(mode_of(loan))) return;
  for (const auto& chain : list_closed_forward_chains(home, loan)) {
    note(fmt::format("{} drops what is forwarded; to let all such loans pass, type: {}",
                     chain.title, chain.way_to_open));
  }
}

void note_what_keeps_off(const Session& session, const std::vector<Ledger>& ledgers) {
  Site home{Netns::current()};
  for (const auto& ledger : ledgers) {
    if (ledger.home != home.netns.identity()) continue;
    for (const auto& loan : ledger.address_loans) {
      note_what_keeps_off(session, loan, ledger.id.str(), home);
    }
  }
}
}  // namespace

int execute(const Session& session, const LoansArguments& arguments) {
  const OpenLedgers open = load_ledgers(session.state());
  print(
      arguments.format == OutputFormat::text
          ? format_text(session.books(), open.ledgers)
          : format_json({{"netlend", 1}, {"loans", loans_to_json(session.books(), open.ledgers)}}));
  note_what_keeps_off(session, open.ledgers);
  return session.report(open.broken);
}

}  // namespace netlend::cli
