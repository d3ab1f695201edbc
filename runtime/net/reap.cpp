#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/file.hpp"
#include "base/text.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/lock.hpp"
#include "net/lending.hpp"
#include "net/reap_ledger.hpp"
#include "net/return_ledger.hpp"

namespace netlend {

namespace {
// Less than a hook has by default: it is to say who was in its way.
constexpr int kOthersTimeoutMs = 15'000;

constexpr int kEndTimeoutMs = 5'000;

/// Who was killed lives on for a moment.
void wait_for_the_dying(const Ledger& ledger) {
  const auto wait = [&](const ProcessIdentity& process, std::string_view who) {
    if (!is_ending(process) || wait_for_end(process, kEndTimeoutMs)) return;
    throw Error(fmt::format(
        "what '{}' has been lent is left to it: {}, process {}, was killed and has not ended after "
        "{} ms; try again when it has",
        ledger.id.str(), who, process.pid, kEndTimeoutMs));
  };
  // The lender first: a command that dies with it is killed at its end.
  wait(ledger.lender, "its lender");
  if (ledger.process) wait(*ledger.process, "the borrower");
}

bool is_returning(const Ledger& ledger) {
  return std::any_of(ledger.loans.begin(), ledger.loans.end(),
                     [](const Loan& loan) { return loan.stage == Stage::returning; });
}

/// Whether who is working on it brings it home, as a guardian, poststop or `return` do, or stands
/// between us and that. A lender who lives and whose borrower does is left alone.
bool is_worth_waiting_for(const Ledger& ledger, ReapScope scope) {
  if (borrower_liveness(ledger) == Liveness::dead) return true;
  if (ledger.is_ready()) return scope == ReapScope::all;
  return is_returning(ledger) || liveness(ledger.lender) == Liveness::dead;
}

std::optional<LedgerLock> lock_for_reaping(const StateDirectory& state, const std::string& name,
                                           ReapScope scope) {
  if (auto lock = LedgerLock::try_acquire(state, name)) return lock;
  const auto ledger = load_ledger(state, name);
  if (!ledger || !is_worth_waiting_for(*ledger, scope)) return std::nullopt;
  return LedgerLock::acquire(state, name, kOthersTimeoutMs);
}
}  // namespace

ReapResult reap_ledger(const LendingContext& context, const std::string& name, ReapScope scope) {
  if (const auto ledger = load_ledger(context.state, name)) wait_for_the_dying(*ledger);
  auto lock = lock_for_reaping(context.state, name, scope);
  if (!lock) return {.is_closed = false, .failures = {}};
  auto ledger = load_and_mend_ledger(context.state, name, context.on_note);
  ReapResult result;
  if (ledger && (scope == ReapScope::all || is_reapable(*ledger))) {
    result.failures = return_ledger(context, *ledger);
  }
  result.is_closed = !is_open(context.state, name);
  if (result.is_closed) lock->remove();
  return result;
}

void release_stale_lease(const StateDirectory& state, const std::string& lease_name) {
  const auto lease = read_lease(state, lease_name);
  if (!lease) return;
  // A lender holds the lock from before its first lease until its ledger is written.
  auto lock = LedgerLock::try_acquire(state, lease->ledger_name);
  if (!lock || is_open(state, lease->ledger_name)) return;
  drop_lease(state, lease_name, lease->ledger_name);
  lock->remove();
}

namespace {
/// A broken lease is that of the ledger with a loan which needs it, else nobody's. Throws Error
/// where a ledger can't be read, which may be the one.
void mend_broken_lease(const LendingContext& context, const std::string& lease_name) {
  const auto note = [&](std::string_view what) {
    if (context.on_note) {
      context.on_note(fmt::format("the lease '{}' was broken and {}", printable(lease_name), what));
    }
  };
  for (const auto& name : list_ledgers(context.state)) {
    const auto ledger = load_ledger(context.state, name);
    if (!ledger) continue;
    const auto needed = leases_of(*ledger);
    if (std::find(needed.begin(), needed.end(), lease_name) == needed.end()) continue;
    mend_lease(context.state, lease_name, {.ledger_name = name, .id = ledger->id});
    return note("is written anew");
  }
  remove_lease(context.state, lease_name);
  note("nobody's: it is removed");
}

void see_to_lease(const LendingContext& context, const std::string& lease_name) {
  try {
    return release_stale_lease(context.state, lease_name);
  } catch (const Error& error) {
    const bool is_broken = error.errno_value() == 0;
    if (!is_broken) throw;
  }
  mend_broken_lease(context, lease_name);
}

/// What a lender leaves who is killed before his ledger is there: ".NAME.lock" and ".NAME.new".
void remove_litter(const StateDirectory& state, const std::string& file) {
  const auto end = file.rfind('.');
  if (file.front() != '.' || end == 0) return;
  const std::string ledger_name = file.substr(1, end - 1);
  auto lock = LedgerLock::try_acquire(state, ledger_name);
  if (!lock || is_open(state, ledger_name)) return;
  close_ledger(state, ledger_name);
  lock->remove();
}
}  // namespace

namespace {
void append(Failures& to, Failures from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

/// What one device points at can come home after it, with another ledger: whatever has failed is
/// tried once more then.
Failures reap_ledgers(const LendingContext& context, ReapScope scope) {
  const auto reap_one = [&](const std::string& name) {
    ReapResult result{.is_closed = false, .failures = {}};
    attempt(result.failures, [&] { result = reap_ledger(context, name, scope); });
    return result;
  };
  Failures failures;
  std::map<std::string, Failures> waiting;
  bool any_closed = false;
  for (const auto& name : list_ledgers(context.state)) {
    ReapResult result = reap_one(name);
    const bool is_waiting = !result.is_closed && !result.failures.empty();
    append(is_waiting ? waiting[name] : failures, std::move(result.failures));
    any_closed = any_closed || result.is_closed;
  }
  for (auto& [name, reasons] : waiting) {
    append(failures, any_closed ? reap_one(name).failures : std::move(reasons));
  }
  return failures;
}
}  // namespace

Failures reap(const LendingContext& context, ReapScope scope) noexcept {
  Failures failures;
  attempt(failures, [&] {
    failures = reap_ledgers(context, scope);
    for (const auto& lease : list_leases(context.state)) {
      attempt(failures, [&] { see_to_lease(context, lease); });
    }
    for (const auto& file : list_names(context.state.ledgers())) {
      attempt(failures, [&] { remove_litter(context.state, file); });
    }
  });
  return failures;
}

std::vector<std::string> ledgers_of(const StateDirectory& state, const ContainerId& id,
                                    std::string_view key) {
  std::vector<std::string> names;
  for (const auto& name : list_ledgers(state)) {
    // ID-HASH-GENERATION: an id can have dashes of its own, so it is cut from the right.
    const std::string stem = name.substr(0, name.rfind('-'));
    const bool matches =
        key.empty() ? stem.substr(0, stem.rfind('-')) == id.str() : stem == ledger_stem(id, key);
    if (matches) names.push_back(name);
  }
  return names;
}

}  // namespace netlend
