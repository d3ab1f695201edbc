#include "cli/show_text.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"
#include "cli/ledgers.hpp"
#include "cli/table.hpp"
#include "net/snapshot/mark.hpp"

namespace netlend::cli {

namespace {
constexpr std::size_t kWidth = 80;
constexpr std::size_t kTextMax = 1024;

std::string title(const NamespaceView& shown) {
  switch (shown.role) {
    case Role::home:
      return shown.name.empty() ? "home\n" : fmt::format("home {}\n", printable(shown.name));
    case Role::borrower:
      return fmt::format("borrower {}\n", shown.name);
    case Role::staging:
      return fmt::format("staging of {}\n", shown.name);
  }
  return {};
}

std::string property(std::string_view name, std::string_view value) {
  return wrap(fmt::format("       {:<9}  ", name), printable(value, kTextMax), kWidth);
}

std::string headline(const DeviceSnapshot& device) {
  const LinkState& link = device.link;
  std::string facts = link.is_up() ? (link.has_carrier ? "up" : "up, no carrier") : "down";
  facts += fmt::format(", mtu {}", link.mtu_bytes);
  if (!link.address.empty() && !link.is_loopback()) {
    facts += ", " + format_link_address(link.address);
  }
  if (!link.kind.empty()) facts += ", " + printable(link.kind);
  if (!link.parent_device.empty()) {
    facts += fmt::format(", {} {}", printable(link.parent_bus), printable(link.parent_device));
  }
  return wrap(fmt::format("  {:>3}  {}  ", link.ifindex.value, printable(link.name)), facts,
              kWidth);
}

std::string format_device(const DeviceView& device) {
  const DeviceSnapshot& state = device.state;
  std::string out = headline(state);
  for (const auto& altname : state.link.altnames) {
    if (!is_mark(altname)) out += property("altname", altname);
  }
  if (!state.link.alias.empty()) out += property("alias", state.link.alias);
  if (!state.link.ipv6_token.empty()) {
    out += property("token", format_token(state.link.ipv6_token));
  }
  if (!device.master_name.empty()) out += property("master", device.master_name);
  if (state.root_qdisc) out += property("qdisc", describe(*state.root_qdisc));
  if (state.settings) {
    for (const auto& what : describe(state.settings->traffic)) out += property("traffic", what);
    for (const auto& what : describe(state.settings->programs)) out += property("program", what);
  }
  for (const auto& address : state.addresses) out += property("address", describe(address));
  for (const auto& route : state.routes) out += property("route", describe(route));
  for (const auto& neighbour : state.neighbours) {
    out += property("neighbour", describe(neighbour));
  }
  return out;
}

struct LoanOfLedger {
  const Ledger& ledger;
  const Loan& loan;
};

std::optional<LoanOfLedger> find_loan(const Observation& observation, const std::string& id) {
  for (const auto& ledger : observation.ledgers) {
    for (const auto& loan : ledger.loans) {
      if (loan.id == id) return LoanOfLedger{ledger, loan};
    }
  }
  return std::nullopt;
}

std::string home_of(const Observation& observation, const Ledger& ledger) {
  for (const auto& shown : observation.namespaces) {
    if (shown.identity == ledger.home && !shown.name.empty()) return printable(shown.name);
  }
  return "home";
}

/// "borrowed  'lan0' of home, ready" below a device that is away.
std::string format_loan(const Observation& observation, const DeviceView& device) {
  if (!device.loan_id) return {};
  const auto found = find_loan(observation, *device.loan_id);
  if (!found) return {};
  const std::string name = printable(found->loan.home_name());
  const std::string home = home_of(observation, found->ledger);
  return property("borrowed", found->loan.pair ? fmt::format("a pair with '{}' at {}", name, home)
                                               : fmt::format("'{}' of {}, {}", name, home,
                                                             stage_name(found->loan.stage)));
}

/// Nothing in mode "kernel", which has none.
std::string by_pair(const AddressLoan& loan) {
  if (loan.host_name.empty()) return {};
  return fmt::format(" by '{}'", printable(loan.host_name));
}

std::string format_lent(const Books& books, const Observation& observation,
                        const NetnsIdentity& home) {
  std::string out;
  for (const auto& ledger : observation.ledgers) {
    if (ledger.home != home) continue;
    const auto by = home_by(books, ledger);
    for (std::size_t i = 0; i < by.size(); ++i) {
      const Loan& loan = ledger.loans[i];
      out += wrap(fmt::format("  lent  {}  ", printable(loan.home_name())),
                  fmt::format("to {} as '{}', comes home {}", describe_borrower(ledger),
                              printable(loan.inside), describe(by[i])),
                  kWidth);
    }
    for (const auto& loan : ledger.address_loans) {
      out += wrap(fmt::format("  lent  {}  ", addresses_of(loan)),
                  fmt::format("to {} on '{}'{}, comes home {}", describe_borrower(ledger),
                              printable(loan.inside), by_pair(loan),
                              describe(home_of_addresses_by(books, ledger))),
                  kWidth);
    }
  }
  return out;
}
}  // namespace

std::string format_text(const Books& books, const Observation& observation) {
  std::string out;
  for (const auto& shown : observation.namespaces) {
    if (!out.empty()) out += '\n';
    out += title(shown);
    for (const auto& device : shown.devices) {
      out += format_device(device) + format_loan(observation, device);
    }
    out += format_lent(books, observation, shown.identity);
  }
  return out;
}

}  // namespace netlend::cli
