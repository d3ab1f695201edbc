#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/earlier.hpp"
#include "net/kernel/driver.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/l3/address_lending.hpp"
#include "net/l3/home_changes.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/lock.hpp"
#include "net/ledger/pin.hpp"
#include "net/lend_device.hpp"
#include "net/lending.hpp"
#include "net/other_loans.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/reap_ledger.hpp"
#include "net/return_ledger.hpp"
#include "net/select.hpp"
#include "net/sharing.hpp"
#include "net/snapshot/unrestorable.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
constexpr int kAttemptsMax = 8;
constexpr std::size_t kPairNameHexDigits = 10;

/// The locally administered address by which the end at home of a pair of ours is known again.
std::string pair_address(const std::string& loan_id) {
  constexpr std::size_t kRandomHexDigits = 10;
  return "\x02" + from_hex(std::string_view(loan_id).substr(0, kRandomHexDigits)).value();
}

std::string joined(const Failures& failures) {
  std::string out;
  for (const auto& failure : failures) out += (out.empty() ? "" : "; ") + failure.what;
  return out;
}

/// All that the plan lends, for messages.
std::string devices_of(const Plan& plan) {
  std::string out;
  for (const auto& lent : plan.addresses) {
    out += fmt::format("{}'{}'", out.empty() ? "" : ", ", describe_addresses(lent));
  }
  for (const auto& nic : plan.nics) {
    out += fmt::format("{}'{}'", out.empty() ? "" : ", ", printable(nic.inside.str()));
  }
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
        inside_(borrower.netns.duplicate()) {}

  std::string run(const std::string& plan_text);

 private:
  /// Does what needs the state folder, whose errors speak of files: this says what for.
  template <typename Work>
  auto for_plan(Work work) {
    try {
      return work();
    } catch (const Error& error) {
      throw error.within(fmt::format("lend {} to '{}'", devices_of(plan_), borrower_.id.str()));
    }
  }
  void prepare(const std::string& plan_text);
  bool is_all_at_home();
  LedgerLock lock_new_ledger();
  std::vector<std::optional<LinkState>> find_devices();
  void choose();
  Loan loan_for_pair(const NicPlan& nic);
  void choose_addresses();
  void take_leases();
  /// `wanted`: "device 'lan0'".
  void take_one(const std::string& lease, const std::string& wanted);
  void observe();
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
  void drop_leases() noexcept;
  void release_home() noexcept;
  void carry_out();

  const LendingContext& context_;
  const Plan& plan_;
  const Borrower& borrower_;
  const LendOptions& options_;
  Site home_;
  Site inside_;
  Ledger ledger_;
  /// The leases that are ours already.
  std::vector<std::string> leases_;
  /// While addresses are lent.
  std::optional<LedgerLock> home_lock_;
  /// As read_others() found them.
  std::optional<std::vector<Ledger>> others_;
};

std::string Lending::run(const std::string& plan_text) {
  prepare(plan_text);
  if (!is_all_at_home()) ledger_.sharers = take_along(context_, plan_, borrower_, options_);
  LedgerLock lock = for_plan([&] { return lock_new_ledger(); });
  try {
    choose();
    choose_addresses();
    take_leases();
    observe();
    observe_lent_addresses();
    pass(context_, Step::write_intent);
    for_plan([&] { save_ledger(context_.state, ledger_); });
  } catch (const std::exception&) {
    release_home();
    // First the ledger, which can be there: a write whose last fsync failed is in place already.
    Failures ignored;
    attempt(ignored, [&] { close_ledger(context_.state, ledger_.name); });
    drop_leases();
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

/// What the sources of the plan are at home, if they may be lent; nothing for pairs.
std::vector<std::optional<LinkState>> Lending::find_devices() {
  std::vector<std::optional<LinkState>> found;
  for (const auto& nic : plan_.nics) {
    const auto* selector = std::get_if<DeviceSelector>(&nic.source);
    found.push_back(selector == nullptr
                        ? std::nullopt
                        : std::optional{find_wanted(context_, home_, *selector, Reaping::yes)});
  }
  WantedOnce once(home_.netns.identity());
  std::vector<WantedDevice> wanted;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i]) once.add(*found[i]);
    wanted.push_back(
        {.nic = plan_.nics[i], .device = found[i] ? &*found[i] : nullptr, .driver = {}});
    if (found[i] && options_.permission) wanted.back().driver = driver_of(found[i]->name);
  }
  if (options_.permission) options_.permission(wanted);
  return found;
}

/// One loan a device of the plan, in its order, with the lease that it needs.
void Lending::choose() {
  const auto found = find_devices();
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& nic = plan_.nics[i];
    if (!found[i]) {
      ledger_.loans.push_back(loan_for_pair(nic));
      continue;
    }
    const LinkState& link = *found[i];
    Loan loan{.id = random_hex(8), .inside = nic.inside.str()};
    loan.lease = lease_name(identify_device(link), home_.netns.identity());
    loan.home.emplace().link = link;
    ledger_.loans.push_back(std::move(loan));
  }
}

Loan Lending::loan_for_pair(const NicPlan& nic) {
  Loan loan{.id = random_hex(8), .inside = nic.inside.str()};
  const auto& veth = std::get<VethPair>(nic.source);
  loan.pair = MadePair{.host_name = veth.host_name ? veth.host_name->str()
                                                   : "nl-" + loan.id.substr(0, kPairNameHexDigits),
                       .host_address = pair_address(loan.id)};
  if (find_link(home_.socket, loan.pair->host_name)) {
    throw Error(fmt::format("the name '{}' is taken here already; choose another for the pair",
                            printable(loan.pair->host_name)),
                EEXIST);
  }
  return loan;
}

void Lending::choose_addresses() {
  if (options_.address_permission) options_.address_permission(plan_.addresses);
  for (const auto& lent : plan_.addresses) ledger_.address_loans.push_back(new_address_loan(lent));
}

void Lending::take_leases() {
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
    leases_.push_back(lease);
  }
}

void Lending::take_one(const std::string& lease, const std::string& wanted) {
  const Lease ours{.ledger_name = ledger_.name, .id = ledger_.id};
  bool has_failed = false;
  for (int attempt_number = 0; attempt_number < kAttemptsMax; ++attempt_number) {
    pass(context_, Step::take_lease);
    const auto holder = for_plan([&] { return take_lease(context_.state, lease, ours); });
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

/// What the devices are now that nobody else can be lending them.
void Lending::observe() {
  for (std::size_t i = 0; i < plan_.nics.size(); ++i) {
    Loan& loan = ledger_.loans[i];
    if (!loan.home) continue;
    const LinkState chosen = loan.home->link;
    const auto link = reading(loan, [&] { return find_link(home_.socket, chosen.ifindex); });
    if (!link || link->name != chosen.name) {
      throw Error(fmt::format("device '{}' went away while it was being lent; try again",
                              printable(chosen.name)),
                  ENODEV);
    }
    loan.home = reading(loan, [&] { return take_snapshot_with_dependents(home_, chosen.ifindex); });
    reading(loan, [&] { complete_by_other_loans(context_.state, home_, *loan.home); });
    check_fits(plan_.nics[i], *loan.home);
    const auto reasons = reading(loan, [&] { return why_only_by_force(home_, *loan.home); });
    if (options_.force == Force::no && !reasons.empty()) {
      throw Error(fmt::format("device '{}' is not lent: {}; {}", printable(chosen.name),
                              reasons.front(), way_by_force(options_)),
                  EPERM);
    }
    reading(loan, [&] { give_up_unrestorable(home_, *loan.home); });
    if (!options_.keep_open || !loan.home->settings) continue;
    for (auto& program :
         reading(loan, [&] { return open_programs(loan.home->settings->programs); })) {
      options_.keep_open(std::move(program));
    }
  }
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

void Lending::drop_leases() noexcept {
  Failures ignored;
  for (const auto& lease : leases_) {
    attempt(ignored, [&] { drop_lease(context_.state, lease, ledger_.name); });
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
    for_plan([&] { make_pin(context_.state, pin_place(ledger_, PinFolder::pins), inside_.netns); });
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
  for_plan([&] { save_ledger(context_.state, ledger_); });
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
