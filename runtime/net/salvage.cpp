#include "net/salvage.hpp"

#include <fmt/core.h>
#include <linux/if.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "net/kernel/site.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/pin.hpp"
#include "net/snapshot/mark.hpp"
#include "net/snapshot/snapshot.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
// The kernel picks the number, for a device whose name is taken here.
constexpr const char* kFallbackName = "netlend%d";

void remove_altnames(const LendingContext& context, Site& site, const LinkState& link,
                     bool (*is_meant)(std::string_view)) {
  for (const auto& altname : link.altnames) {
    if (!is_meant(altname)) continue;
    call(context, site,
         remove_altname(link.ifindex, altname, fmt::format("take off the altname '{}'", altname)));
  }
}

/// Its name here.
std::string bring_here(const LendingContext& context, Site& from, const LinkState& link,
                       const std::string& mark) {
  Site here{Netns::current()};
  const std::string doing = fmt::format("bring home device '{}'", link.name);
  call(context, from, set_link_flags(link.ifindex, 0, IFF_UP, doing));
  const bool is_taken = find_link(here.socket, link.name).has_value();
  const MoveTarget target{
      .netns_fd = here.netns.fd(), .ifindex = {}, .fallback_name = is_taken ? kFallbackName : ""};
  try {
    call(context, from, move_link(link, target, doing));
  } catch (const Error& error) {
    if (error.errno_value() != EEXIST) throw;
    // One of its altnames is taken here.
    remove_altnames(context, from, link, [](std::string_view name) { return !is_mark(name); });
    call(context, from, move_link(link, target, doing));
  }
  const auto arrived = find_link(here.socket, mark);
  if (!arrived) throw Error(doing + ": it did not arrive");
  remove_altnames(context, here, *arrived, is_mark);
  return arrived->name;
}

void empty_pin(const LendingContext& context, const PinPlace& place, Failures& failures) {
  auto pinned = open_pin(context.state, place);
  if (!pinned) return;
  Site from{*std::move(pinned)};
  for (const auto& link : list_links(from.socket)) {
    const auto mark = std::find_if(link.altnames.begin(), link.altnames.end(), is_mark);
    if (mark == link.altnames.end()) continue;
    attempt(failures, [&] {
      const auto name = bring_here(context, from, link, *mark);
      failures.push_back({fmt::format(
          "device '{}', which was '{}' inside, is here again and as it is now; what it was at home "
          "is lost with the ledger",
          printable(name), printable(link.name))});
    });
  }
}

void drop_leases(const StateDirectory& state, const std::string& ledger_name, Failures& failures) {
  for (const auto& lease : list_leases(state)) {
    attempt(failures, [&] {
      const auto holder = read_lease(state, lease);
      if (holder && holder->ledger_name == ledger_name) drop_lease(state, lease, ledger_name);
    });
  }
}
}  // namespace

Failures salvage_ledger(const LendingContext& context, const std::string& name) noexcept {
  Failures failures;
  attempt(failures, [&] {
    constexpr std::array kFolders{PinFolder::staging, PinFolder::pins};
    for (const PinFolder folder : kFolders) {
      const PinPlace place{.folder = folder,
                           .ledger_name = name,
                           .mount_namespace = pin_mount_namespace(context.state)};
      attempt(failures, [&] { empty_pin(context, place, failures); });
      attempt(failures, [&] { remove_pin(context.state, place); });
    }
    abandon_ledger(context.state, name);
    drop_leases(context.state, name, failures);
    failures.push_back({fmt::format(
        "the ledger '{}' is given up; what is left of it is '{}/damaged-{}', and addresses that it "
        "lent are to be set at home by hand",
        printable(name), context.state.path(), printable(name))});
  });
  return failures;
}

}  // namespace netlend
