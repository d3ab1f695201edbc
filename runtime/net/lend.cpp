#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/syscall.hpp"
#include "net/checks.hpp"
#include "net/device_choice.hpp"
#include "net/earlier.hpp"
#include "net/for_plan.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/l3/address_lending.hpp"
#include "net/l3/home_changes.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/lock.hpp"
#include "net/ledger/pin.hpp"
#include "net/lend_device.hpp"
#include "net/lend_leases.hpp"
#include "net/lending.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/return_ledger.hpp"
#include "net/select.hpp"
#include "net/sharing.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
std::string joined(const Failures& failures) {
  std::string out;
  for (const auto& failure : failures) out += (out.empty() ? "" : "; ") + failure.what;
  return out;
}

class Lending {
 public:
  Lending(const LendingContext& context, const Plan& plan, const Borrower& borrower,
          const LendOptions& options)
      : context_(context),
        plan_(plan),
        borrower_(borrower),
        options_(options),
        home_(Netns::current()),
        inside_(borrower.netns.duplicate()),
        devices_(context, home_, plan, options),
        leases_(context, plan, ledger_) {}

  std::string run(const std::string& plan_text);

 private:
  void prepare(const std::string& plan_text);
  bool is_all_at_home();
  LedgerLock lock_new_ledger();
  void choose_loans();
  void observe_lent_addresses();
  void read_others();
  AddressScene address_scene() {
    return {.state = context_.state,
            .ledger = ledger_,
            .home = home_,
            .on_step = context_.on_step,
            .borrower = &inside_,
            .is_in_l3_namespace = is_l3_child(inside_.netns, ledger_.home),
            .others = others_ ? &*others_ : nullptr};
  }
  void release_home() noexcept;
  void carry_out();

  const LendingContext& context_;
  const Plan& plan_;
  const Borrower& borrower_;
  const LendOptions& options_;
  Site home_;
  Site inside_;
  Ledger ledger_;
  DeviceChoice devices_;
  LendLeases leases_;
  /// While addresses are lent.
  std::optional<LedgerLock> home_lock_;
  /// As read_others() found them.
  std::optional<std::vector<Ledger>> others_;
};

std::string Lending::run(const std::string& plan_text) {
  prepare(plan_text);
  if (!is_all_at_home()) ledger_.sharers = take_along(context_, plan_, borrower_, options_);
  LedgerLock lock = for_plan(plan_, borrower_.id, [&] { return lock_new_ledger(); });
  try {
    choose_loans();
    leases_.take();
    devices_.observe(ledger_.loans);
    observe_lent_addresses();
    pass(context_, Step::write_intent);
    for_plan(plan_, borrower_.id, [&] { save_ledger(context_.state, ledger_); });
  } catch (const std::exception&) {
    release_home();
    // First the ledger, which can be there: a write whose last fsync failed is in place already.
    Failures ignored;
    attempt(ignored, [&] { close_ledger(context_.state, ledger_.name); });
    leases_.drop();
    lock.remove();
    throw;
  }
  try {
    carry_out();
  } catch (const Error& error) {
    release_home();
    const Failures failures = return_ledger(context_, ledger_);
    if (!is_open(context_.state, ledger_.name)) lock.remove();
    if (failures.empty()) throw;
    throw Error(fmt::format("{}; and undoing it met: {}", error.what(), joined(failures)),
                error.errno_value());
  }
  return ledger_.name;
}

void Lending::prepare(const std::string& plan_text) {
  ledger_.id = borrower_.id;
  ledger_.key = borrower_.key;
  ledger_.generation = static_cast<std::uint64_t>(monotonic_ms());
  ledger_.created_at_s = std::time(nullptr);
  ledger_.lender = identify_process(::getpid());
  ledger_.guardian = options_.guardian;
  ledger_.home = home_.netns.identity();
  ledger_.borrower = inside_.netns.identity();
  ledger_.process = borrower_.process;
  ledger_.netns_path = borrower_.netns_path;
  // Addresses come home by the end of the borrower's namespace, which a pin would put off.
  if (!plan_.nics.empty()) {
    ledger_.pin = Pin{.mount_namespace = pin_mount_namespace(context_.state)};
  }
  ledger_.plan = plan_text;
}

/// A pair is nowhere until it's made, and can have been made for the rest of a pod.
bool Lending::is_all_at_home() {
  for (const auto& lent : plan_.addresses) {
    for (const auto& address : lent.addresses) {
      if (read_lease(context_.state, address_lease(address, lent.ports, ledger_.home)))
        return false;
    }
  }
  return std::all_of(plan_.nics.begin(), plan_.nics.end(), [&](const NicPlan& nic) {
    const auto* selector = std::get_if<DeviceSelector>(&nic.source);
    return selector != nullptr && select_device(home_, *selector);
  });
}

/// Two that lend to one container in the same millisecond get generations of their own.
LedgerLock Lending::lock_new_ledger() {
  const std::string stem = ledger_stem(borrower_.id, borrower_.key);
  for (;; ++ledger_.generation) {
    ledger_.name = fmt::format("{}-{}", stem, ledger_.generation);
    auto lock = LedgerLock::try_acquire(context_.state, ledger_.name);
    if (lock && !is_open(context_.state, ledger_.name)) return *std::move(lock);
  }
}

void Lending::choose_loans() {
  ledger_.loans = devices_.choose();
  if (options_.address_permission) options_.address_permission(plan_.addresses);
  for (const auto& lent : plan_.addresses) ledger_.address_loans.push_back(new_address_loan(lent));
}

/// Once for all questions of a step: a host that has lent a hundred addresses has a hundred
/// ledgers. With home's lock nobody changes in them what is asked for.
void Lending::read_others() {
  others_.reset();
  if (is_any_address_lent(context_.state)) others_ = other_ledgers(address_scene());
}

void Lending::observe_lent_addresses() {
  if (plan_.addresses.empty()) return;
  home_lock_ = lock_home(address_scene());
  read_others();
  for (std::size_t i = 0; i < plan_.addresses.size(); ++i) {
    AddressLoan& loan = ledger_.address_loans[i];
    const AddressScene scene = address_scene();
    observe_addresses(scene, plan_, plan_.addresses[i], loan);
    const auto reasons = why_addresses_only_by_force(home_, loan);
    if (options_.force == Force::yes || reasons.empty()) continue;
    throw Error(
        fmt::format("address '{}' is not lent: {}; {}", plan_.addresses[i].addresses[0].str(),
                    reasons.front(), way_by_force(options_)),
        EPERM);
  }
}

void Lending::release_home() noexcept {
  if (home_lock_) home_lock_->remove();
  home_lock_.reset();
}

void Lending::carry_out() {
  read_others();  // Anew: each of two lenders asks once its own ledger is written.
  for (const auto& loan : ledger_.loans) {
    if (loan.home) check_no_address_lent(address_scene(), loan.home->link);
  }
  if (ledger_.pin) {
    pass(context_, Step::pin_borrower);
    for_plan(plan_, borrower_.id,
             [&] { make_pin(context_.state, pin_place(ledger_, PinFolder::pins), inside_.netns); });
  }
  DeviceLender lender(context_, ledger_, home_, inside_);
  for (std::size_t i = 0; i < plan_.nics.size(); ++i) {
    lender.lend(ledger_.loans[i], plan_.nics[i]);
  }
  for (std::size_t i = 0; i < plan_.nics.size(); ++i) {
    lender.settle(ledger_.loans[i], plan_.nics[i]);
  }
  if (!ledger_.address_loans.empty()) lend_addresses(address_scene(), inside_);
  release_home();
  for (auto& loan : ledger_.loans) loan.stage = Stage::ready;
  for (auto& loan : ledger_.address_loans) loan.stage = Stage::ready;
  pass(context_, Step::write_ready);
  for_plan(plan_, borrower_.id, [&] { save_ledger(context_.state, ledger_); });
}
}  // namespace

std::string lend(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                 const LendOptions& options) {
  if (borrower.netns.identity() == Netns::current().identity()) {
    throw Error(
        fmt::format("'{}' has our own network namespace, so there is nothing to lend to; give it "
                    "one of its own",
                    borrower.id.str()));
  }
  const std::string plan_text = format_plan_file(plan);
  if (auto earlier = meet_earlier(context, plan, plan_text, borrower)) return *earlier;
  return Lending(context, plan, borrower, options).run(plan_text);
}

}  // namespace netlend
