#include "net/inject.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/l3/kernel_mode.hpp"
#include "net/l3/mode.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/lock.hpp"
#include "net/ledger/pin.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/reap_ledger.hpp"
#include "net/return_ledger.hpp"
#include "oci-spec/config.hpp"
#include "oci-spec/config_edit.hpp"

namespace netlend {

namespace {
// podman asks for it in every container, and the network that it is about is home's here.
constexpr std::string_view kSysctlOfEngines = "net.ipv4.ping_group_range";

bool is_pin_of_ours(const std::string& path) {
  return path.starts_with(fmt::format("{}/pins/", StateDirectory::kDefaultPath));
}

/// Nothing: the container can be in an L3 network namespace.
std::optional<std::string> why_not(const Plan& plan, const oci::NetworkWish& network) {
  Site home{Netns::current()};
  if (auto why = why_not_of_kernel(home, AddressMode::kernel)) return why;
  if (!wants_l3_namespace(plan) || network.has_devices) {
    return "a container in an L3 network namespace has no devices of its own, and it asks for "
           "others besides, by name, by mode or by ports";
  }
  if (!network.has_namespace) {
    return "its config.json has no network namespace, so it is in the host's own, where the "
           "address is already; run it with one (not --network host)";
  }
  if (network.netns_path && !is_pin_of_ours(*network.netns_path)) {
    return fmt::format(
        "its config.json names a network namespace, '{}', that is not replaced; run it with one "
        "that the runtime makes (podman: --network none)",
        printable(*network.netns_path));
  }
  for (const auto& key : network.sysctls) {
    if (key == kSysctlOfEngines) continue;
    return fmt::format("its config.json sets '{}', which is home's in an L3 network namespace",
                       printable(key));
  }
  return std::nullopt;
}

/// Of one of these, which lends nothing.
bool is_injection(const Ledger& ledger) {
  return ledger.pin && ledger.loans.empty() && ledger.address_loans.empty();
}

template <typename Predicate>
std::vector<std::string> list_injections(const StateDirectory& state, Predicate is_meant) {
  std::vector<std::string> names;
  for (const auto& name : list_ledgers(state)) {
    std::optional<Ledger> ledger;
    Failures broken;  // It says nothing of this container.
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (ledger && is_injection(*ledger) && is_meant(*ledger)) names.push_back(name);
  }
  return names;
}

/// Those whose engines are dead, and an earlier one of the same bundle.
void remove_earlier(const LendingContext& context, const Injection& injection) {
  Failures failures;
  const auto is_over = [&](const Ledger& ledger) {
    // One engine may be making several containers at once.
    const bool is_earlier = !injection.engine && !ledger.process && ledger.id == injection.id &&
                            ledger.key == injection.key;
    return is_earlier || borrower_liveness(ledger) == Liveness::dead;
  };
  for (const auto& name : list_injections(context.state, is_over)) {
    attempt(failures, [&] { reap_ledger(context, name, ReapScope::all); });
  }
}

std::string pin_path(const StateDirectory& state, const Ledger& ledger) {
  return fmt::format("{}/pins/{}", state.path(), ledger.name);
}

/// Without a name.
Ledger new_ledger(const Injection& injection, const Plan& plan) {
  Ledger ledger;
  ledger.id = injection.id;
  ledger.key = injection.key;
  ledger.generation = static_cast<std::uint64_t>(monotonic_ms());
  ledger.created_at_s = std::time(nullptr);
  ledger.lender = identify_process(::getpid());
  ledger.home = Netns::current().identity();
  ledger.process = injection.engine;
  ledger.pin = Pin{.mount_namespace = own_mount_namespace()};
  ledger.plan = format_plan_file(plan);
  return ledger;
}

/// Held until the namespace is pinned: a reap would take it for one that is gone.
LedgerLock lock_new_ledger(const StateDirectory& state, Ledger& ledger) {
  for (;; ++ledger.generation) {
    ledger.name = fmt::format("{}-{}", ledger_stem(ledger.id, ledger.key), ledger.generation);
    auto lock = LedgerLock::try_acquire(state, ledger.name);
    if (lock && !is_open(state, ledger.name)) return *std::move(lock);
  }
}
}  // namespace

std::optional<Plan> plan_injection(const std::string& config) {
  const auto network = oci::parse_network_wish(config);
  auto plan = parse_annotations(oci::parse_config_annotations(config));
  if (!plan || plan->addresses.empty()) return std::nullopt;
  const auto why = why_not(*plan, network);
  if (!why) return plan;
  const auto& loans = plan->addresses;
  const auto demanding = std::find_if(loans.begin(), loans.end(), [](const auto& lent) {
    return lent.mode == AddressMode::kernel;
  });
  if (demanding == loans.end()) return std::nullopt;  // It goes by another mode.
  throw Error(fmt::format("address '{}' is not lent in mode 'kernel': {}",
                          demanding->addresses.front().str(), *why));
}

Injected inject(const LendingContext& context, const Injection& injection, const Plan& plan,
                const std::string& config) {
  remove_earlier(context, injection);
  const Netns netns = make_l3_namespace(plan).value();
  Ledger ledger = new_ledger(injection, plan);
  ledger.borrower = netns.identity();
  LedgerLock lock = lock_new_ledger(context.state, ledger);
  const std::string path = pin_path(context.state, ledger);
  if (!injection.engine) ledger.netns_path = path;
  try {
    auto changed = oci::change_config(
        config, {.netns_path = path,
                 .capabilities = {kCapabilitiesOverNetwork.begin(), kCapabilitiesOverNetwork.end()},
                 .sysctls = {std::string(kSysctlOfEngines)},
                 .hook_path = injection.hook_path});
    save_ledger(context.state, ledger);
    make_pin(context.state, pin_place(ledger, PinFolder::pins), netns);
    return {.config = std::move(changed), .ledger_name = ledger.name};
  } catch (const Error&) {
    static_cast<void>(return_ledger(context, ledger));
    lock.remove();
    throw;
  }
}

Failures end_injection(const LendingContext& context, const Netns& netns) noexcept {
  Failures failures;
  attempt(failures, [&] {
    if (!is_l3_child(netns, Netns::current().identity())) return;
    const auto is_of_netns = [&](const Ledger& ledger) {
      return ledger.borrower == netns.identity();
    };
    for (const auto& name : list_injections(context.state, is_of_netns)) {
      for (auto& failure : give_back(context, name)) failures.push_back(std::move(failure));
    }
  });
  return failures;
}

}  // namespace netlend
