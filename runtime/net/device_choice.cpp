#include "net/device_choice.hpp"

#include <fmt/core.h>

#include <cerrno>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/kernel/driver.hpp"
#include "net/kernel/identity.hpp"
#include "net/lend_device.hpp"
#include "net/other_loans.hpp"
#include "net/reading.hpp"
#include "net/select.hpp"
#include "net/snapshot/unrestorable.hpp"

namespace netlend {

namespace {
constexpr std::size_t kPairNameHexDigits = 10;

/// The locally administered address by which the end at home of a pair of ours is known again.
std::string pair_address(const std::string& loan_id) {
  constexpr std::size_t kRandomHexDigits = 10;
  return "\x02" + from_hex(std::string_view(loan_id).substr(0, kRandomHexDigits)).value();
}
}  // namespace

/// What the sources of the plan are at home, if they may be lent; nothing for pairs.
std::vector<std::optional<LinkState>> DeviceChoice::find_devices() {
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

Loan DeviceChoice::loan_for_pair(const NicPlan& nic) {
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

std::vector<Loan> DeviceChoice::choose() {
  std::vector<Loan> chosen;
  const auto found = find_devices();
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& nic = plan_.nics[i];
    if (!found[i]) {
      chosen.push_back(loan_for_pair(nic));
      continue;
    }
    const LinkState& link = *found[i];
    Loan loan{.id = random_hex(8), .inside = nic.inside.str()};
    loan.lease = lease_name(identify_device(link), home_.netns.identity());
    loan.home.emplace().link = link;
    chosen.push_back(std::move(loan));
  }
  return chosen;
}

void DeviceChoice::observe(std::vector<Loan>& loans) {
  for (std::size_t i = 0; i < plan_.nics.size(); ++i) {
    if (loans[i].home) observe_one(plan_.nics[i], loans[i]);
  }
}

void DeviceChoice::observe_one(const NicPlan& nic, Loan& loan) {
  const LinkState chosen = loan.home->link;
  const auto link = reading(loan, [&] { return find_link(home_.socket, chosen.ifindex); });
  if (!link || link->name != chosen.name) {
    throw Error(fmt::format("device '{}' went away while it was being lent; try again",
                            printable(chosen.name)),
                ENODEV);
  }
  loan.home = reading(loan, [&] { return take_snapshot_with_dependents(home_, chosen.ifindex); });
  reading(loan, [&] { complete_by_other_loans(context_.state, home_, *loan.home); });
  check_fits(nic, *loan.home);
  const auto reasons = reading(loan, [&] { return why_only_by_force(home_, *loan.home); });
  if (options_.force == Force::no && !reasons.empty()) {
    throw Error(fmt::format("device '{}' is not lent: {}; {}", printable(chosen.name),
                            reasons.front(), way_by_force(options_)),
                EPERM);
  }
  reading(loan, [&] { give_up_unrestorable(home_, *loan.home); });
  if (!options_.keep_open || !loan.home->settings) return;
  for (auto& program :
       reading(loan, [&] { return open_programs(loan.home->settings->programs); })) {
    options_.keep_open(std::move(program));
  }
}

}  // namespace netlend
