#include "net/l3/rule_places.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace netlend {

namespace {
bool asks_local_table(const FibRule& rule) {
  return rule.action == FR_ACT_TO_TBL && rule.table == RT_TABLE_LOCAL && !rule.from && !rule.to &&
         rule.iif.empty();
}
}  // namespace

SentBy sent_by(const AddressLoan& loan, int family) {
  return family == AF_INET && loan.ports.empty() ? SentBy::route : SentBy::rule;
}

RulePlaces rule_places(Site& home, int family, SentBy by) {
  const auto rules = list_fib_rules(home.socket, family);
  const auto local = std::find_if(rules.begin(), rules.end(), asks_local_table);
  if (local == rules.end()) {
    throw Error("no routing rule asks for this machine's own addresses (ip rule add lookup local)");
  }
  // The host's own addresses are asked for first, and what is lent stands before them there. A rule
  // can't go on at its own number, so the mark to go on at is the next one.
  const std::uint32_t behind_local = std::max(local->priority, kLocalBehindOurs) + 1;
  if (family == AF_INET && by == SentBy::route) {
    return {.local = local->priority,
            .own_source = local->priority,
            .foreign_source = local->priority,
            .go_on = local->priority + 1,
            .to_borrower = 0,
            .behind_local = behind_local};
  }
  // Where a rule sends it, ours go before the one that asks that table.
  constexpr RulePlaces kBefore{.local = kLocalBehindOurs,
                               .own_source = 3,
                               .foreign_source = 5,
                               .go_on = 6,
                               .to_borrower = 7};
  if (local->priority != 0 && local->priority <= kBefore.to_borrower) {
    throw Error(fmt::format(
        "the routing rule for this machine's own addresses has number {}, and netlend's "
        "go before it with 3 to 7; give it a higher one",
        local->priority));
  }
  RulePlaces places = kBefore;
  places.behind_local = behind_local;
  if (local->priority != 0) places.local = local->priority;
  return places;
}

}  // namespace netlend
