#include "net/lend_leases.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <map>

#include "base/text.hpp"
#include "net/earlier.hpp"
#include "net/for_plan.hpp"
#include "net/ledger/lease.hpp"
#include "net/reap_ledger.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
constexpr int kAttemptsMax = 8;
}  // namespace

void LendLeases::take() {
  // In one order for all, so that of two plans with the same devices one gets all of them.
  std::map<std::string, std::string> order;
  for (const auto& loan : ledger_.loans) {
    if (loan.lease.empty()) continue;
    order.emplace(loan.lease, fmt::format("device '{}'", printable(loan.home_name())));
  }
  for (const auto& lent : plan_.addresses) {
    for (const auto& address : lent.addresses) {
      order.emplace(address_lease(address, lent.ports, ledger_.home),
                    fmt::format("address '{}'{}", address.str(), describe_ports(lent.ports)));
    }
  }
  for (const auto& [lease, wanted] : order) {
    take_one(lease, wanted);
    taken_.push_back(lease);
  }
}

void LendLeases::take_one(const std::string& lease, const std::string& wanted) {
  const Lease ours{.ledger_name = ledger_.name, .id = ledger_.id};
  bool has_failed = false;
  for (int attempt_number = 0; attempt_number < kAttemptsMax; ++attempt_number) {
    pass(context_, Step::take_lease);
    const auto holder =
        for_plan(plan_, ledger_.id, [&] { return take_lease(context_.state, lease, ours); });
    if (!holder) return;
    if (is_open(context_.state, holder->ledger_name)) {
      const ReapResult reaped = reap_ledger(context_, holder->ledger_name, ReapScope::dead);
      if (reaped.is_closed) {
        note(context_, reaped.failures);
        continue;
      }
      has_failed = !reaped.failures.empty();
    } else {
      release_stale_lease(context_.state, lease);
      if (!read_lease(context_.state, lease)) continue;
    }
    const std::string id = holder->id.str();
    throw Error(has_failed
                    ? fmt::format("{} was lent to '{}' and has not come home as it was; {}", wanted,
                                  id, kHowToLearnWhy)
                    : fmt::format("{} is lent to '{}'; 'netlend loans' shows the loan", wanted, id),
                EBUSY);
  }
  throw Error(fmt::format("{} is wanted by many at once; try again", wanted), EBUSY);
}

void LendLeases::drop() noexcept {
  Failures ignored;
  for (const auto& lease : taken_) {
    attempt(ignored, [&] { drop_lease(context_.state, lease, ledger_.name); });
  }
}

}  // namespace netlend
