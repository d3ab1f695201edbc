#include "net/locate.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/ledger/pin.hpp"

namespace netlend {

namespace {
constexpr const char* kNamedNetnsFolder = "/run/netns";

using IsWanted = std::function<bool(const Netns&)>;

std::unique_ptr<Site> open_site(const std::string& path, const IsWanted& is_wanted) {
  try {
    Netns netns = Netns::open(path);
    if (is_wanted(netns)) return std::make_unique<Site>(std::move(netns));
  } catch (const Error&) {
    // It ended while we looked, or shows something else: not the one we look for.
  }
  return nullptr;
}

/// The namespace that is wanted, wherever a name or a process holds it.
std::unique_ptr<Site> find_held_site(const IsWanted& is_wanted) {
  const auto try_folder = [&](const std::string& folder,
                              const std::string& suffix) -> std::unique_ptr<Site> {
    const UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd.is_open()) return nullptr;
    for (const auto& name : list_names(fd.get())) {
      if (!suffix.empty() && !parse_number(name, INT32_MAX)) continue;
      auto site = open_site(fmt::format("{}/{}{}", folder, name, suffix), is_wanted);
      if (site) return site;
    }
    return nullptr;
  };
  if (auto site = try_folder(kNamedNetnsFolder, "")) return site;
  return try_folder("/proc", "/ns/net");
}

IsWanted has_identity(const NetnsIdentity& wanted) {
  return [&wanted](const Netns& netns) { return netns.identity() == wanted; };
}

std::unique_ptr<Site> find_site(const NetnsIdentity& wanted) {
  Netns own = Netns::current();
  if (own.identity() == wanted) return std::make_unique<Site>(std::move(own));
  return find_held_site(has_identity(wanted));
}

/// The namespace that is wanted, if this process has it open: whoever lends and stays goes on
/// holding that of his borrower when its last process is dead.
std::unique_ptr<Site> find_open_site(const IsWanted& is_wanted) {
  const std::string folder = "/proc/self/fd";
  const UniqueFd fd{
      check(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", folder)};
  for (const auto& name : list_names(fd.get())) {
    const std::string path = fmt::format("{}/{}", folder, name);
    std::error_code is_gone;
    // To open whatever else is open here could wait for a writer, or have an effect.
    if (!std::filesystem::read_symlink(path, is_gone).string().starts_with("net:[")) continue;
    if (auto site = open_site(path, is_wanted)) return site;
  }
  return nullptr;
}

std::unique_ptr<Site> open_staging(const StateDirectory& state, const Ledger& ledger) {
  if (!ledger.pin) return nullptr;
  auto pinned = open_pin(state, pin_place(ledger, PinFolder::staging));
  return pinned ? std::make_unique<Site>(*std::move(pinned)) : nullptr;
}

std::unique_ptr<Site> open_initial(const NetnsIdentity& home) {
  try {
    Netns netns = Netns::open("/proc/1/ns/net");
    return netns.identity() == home ? nullptr : std::make_unique<Site>(std::move(netns));
  } catch (const Error&) {
    return nullptr;  // Not ours to see; what it holds is then not found, which is reported.
  }
}

std::string first_lent(const Ledger& ledger) {
  if (!ledger.loans.empty()) return ledger.loans.front().home_name();
  for (const auto& loan : ledger.address_loans) {
    if (!loan.addresses.empty()) return loan.addresses.front().home.address().str();
  }
  return ledger.name;
}
}  // namespace

std::unique_ptr<Site> open_borrower(const StateDirectory& state, const Ledger& ledger) {
  if (ledger.pin) {
    auto pinned = open_pin(state, pin_place(ledger, PinFolder::pins));
    if (pinned && pinned->identity() == ledger.borrower) {
      return std::make_unique<Site>(*std::move(pinned));
    }
  }
  if (!ledger.netns_path.empty()) {
    if (auto site = open_site(ledger.netns_path, has_identity(ledger.borrower))) return site;
  }
  if (auto site = find_open_site(has_identity(ledger.borrower))) return site;
  return find_site(ledger.borrower);
}

Site open_home(const Ledger& ledger) {
  if (auto home = find_site(ledger.home)) return std::move(*home);
  const std::string what = first_lent(ledger);
  throw Error(fmt::format(
      "'{}' is lent to '{}' from network namespace {}, which can't be reached from here; run "
      "'netlend reap' there, or, if it is gone, give up the loan by 'netlend return --forget {}'",
      printable(what), ledger.id.str(), ledger.home.inode, printable(what)));
}

LoanSites::LoanSites(const StateDirectory& state, const Ledger& ledger)
    : state_(state),
      home_(std::make_unique<Site>(open_home(ledger))),
      borrower_(open_borrower(state, ledger)),
      staging_(open_staging(state, ledger)),
      initial_(open_initial(ledger.home)) {}

Site& LoanSites::staging(const StateDirectory& state, const Ledger& ledger) {
  if (!staging_) {
    Netns fresh = Netns::create();
    make_pin(state, pin_place(ledger, PinFolder::staging), fresh);
    staging_ = std::make_unique<Site>(std::move(fresh));
  }
  return *staging_;
}

std::vector<LoanSites::Candidate> LoanSites::candidates(const Loan& loan) {
  const IfIndex home_ifindex = loan.home->link.ifindex;
  std::vector<Candidate> all;
  if (borrower_) {
    all.push_back({Whereabouts::borrower, borrower_.get(),
                   loan.inside_ifindex ? loan.inside_ifindex : home_ifindex});
  }
  if (staging_) all.push_back({Whereabouts::staging, staging_.get(), home_ifindex});
  all.push_back({Whereabouts::home, home_.get(), home_ifindex});
  // Whoever lent it was killed before he could write its index there. A device takes its own along
  // if that is free; but the borrower can have made another with it, while ours never left home.
  if (!loan.inside_ifindex) std::rotate(all.begin(), all.end() - 1, all.end());
  if (initial_) all.push_back({Whereabouts::initial, initial_.get(), std::nullopt});
  return all;
}

std::optional<Location> LoanSites::locate(const Loan& loan) {
  if (loan.home->relations.wireless) return locate_wireless(loan);
  const DeviceIdentity identity = identify_device(loan.home->link);
  const bool is_veth = identity.kind == "veth";
  if (is_veth) {
    if (auto location = locate_by_peer(loan, identity)) return location;
  }
  const bool peer_is_lent = is_veth && is_peer_lent(identity);
  for (const auto& candidate : candidates(loan)) {
    // Only a physical device is ever sent to the initial namespace by the kernel.
    if (candidate.where == Whereabouts::initial && !is_physical(identity)) continue;
    auto location = locate_in(candidate, loan, identity);
    if (!location) continue;
    // A borrower can mark a veth of its own, but not give it another end at home or in a loan.
    const bool is_genuine =
        !is_veth || peer_is_lent || is_joined_to_home(candidate, location->link);
    if (is_genuine) return location;
  }
  return std::nullopt;
}

bool LoanSites::is_deleted(const Loan& loan) {
  const DeviceIdentity identity = identify_device(loan.home->link);
  if (identity.kind != "veth" || !identity.peer || identity.peer_nsid) return false;
  // The kernel deletes both ends of a veth together (drivers/net/veth.c, veth_dellink).
  if (find_link(home_->socket, *identity.peer) || is_peer_lent(identity)) return false;
  // Somebody at home may as well have moved the other end away; then ours is where it was.
  const auto all = candidates(loan);
  return std::none_of(all.begin(), all.end(), [&](const Candidate& candidate) {
    return locate_in(candidate, loan, identity).has_value();
  });
}

/// By its phy, which keeps its index wherever it is and can't be deleted.
std::optional<Location> LoanSites::locate_wireless(const Loan& loan) {
  const Wireless& wireless = *loan.home->relations.wireless;
  for (const auto& candidate : candidates(loan)) {
    auto link = find_on_phy(*candidate.site, wireless, loan.mark());
    if (link) return Location{candidate.where, candidate.site, *std::move(link)};
  }
  elsewhere_ = find_held_site([&](const Netns& netns) {
    auto socket = open_wireless(netns);
    return socket && find_phy(*socket, wireless.phy);
  });
  if (!elsewhere_) return std::nullopt;
  auto link = find_on_phy(*elsewhere_, wireless, loan.mark());
  if (!link) return std::nullopt;
  return Location{Whereabouts::elsewhere, elsewhere_.get(), *std::move(link)};
}

/// By its other end, which says where it is joined to; nothing if that end isn't where it was.
std::optional<Location> LoanSites::locate_by_peer(const Loan& loan,
                                                  const DeviceIdentity& identity) {
  const auto place = find_veth(*home_, identity);
  if (!place) return std::nullopt;
  for (const auto& candidate : candidates(loan)) {
    const bool is_there = place->nsid ? nsid_of(*home_, candidate.site->netns) == place->nsid
                                      : candidate.where == Whereabouts::home;
    if (!is_there) continue;
    auto link = find_link(candidate.site->socket, place->ifindex);
    if (link) return Location{candidate.where, candidate.site, *std::move(link)};
  }
  if (!place->nsid) return std::nullopt;
  // The borrower has moved it on; it can be reached for as long as a name or a process holds it.
  elsewhere_ =
      find_held_site([&](const Netns& netns) { return nsid_of(*home_, netns) == place->nsid; });
  if (!elsewhere_) return std::nullopt;
  auto link = find_link(elsewhere_->socket, place->ifindex);
  if (!link) return std::nullopt;
  return Location{Whereabouts::elsewhere, elsewhere_.get(), *std::move(link)};
}

/// It is at home itself, or its other end is, under whatever index, and says the same.
bool LoanSites::is_joined_to_home(const Candidate& candidate, const LinkState& link) {
  if (candidate.where == Whereabouts::home) return true;  // No borrower's hand reaches there.
  if (!link.lower) return false;
  if (!link.lower_nsid || nsid_of(*candidate.site, home_->netns) != link.lower_nsid) return false;
  const auto peer = find_link(home_->socket, *link.lower);
  return peer && peer->lower == link.ifindex && peer->lower_nsid &&
         nsid_of(*home_, candidate.site->netns) == peer->lower_nsid;
}

bool LoanSites::is_peer_lent(const DeviceIdentity& identity) const {
  if (!identity.peer || find_link_in(home_->socket, *identity.peer, identity.peer_nsid))
    return false;
  for (const auto& name : list_ledgers(state_)) {
    Failures broken;  // Whoever reads that ledger for its own sake reports it.
    std::optional<Ledger> ledger;
    attempt(broken, [&] { ledger = load_ledger(state_, name); });
    if (!ledger || ledger->home != home_->netns.identity()) continue;
    for (const auto& loan : ledger->loans) {
      if (loan.home && loan.home->link.ifindex == *identity.peer) return true;
    }
  }
  return false;
}

std::optional<Location> LoanSites::locate_in(const Candidate& candidate, const Loan& loan,
                                             const DeviceIdentity& identity) {
  const auto accept = [&](std::optional<LinkState> link, bool is_known) -> std::optional<Location> {
    if (!link || !could_be(identity, *link) || !(is_known || is_physical(identity))) {
      return std::nullopt;
    }
    return Location{candidate.where, candidate.site, *std::move(link)};
  };
  RouteSocket& socket = candidate.site->socket;
  if (auto found = accept(find_link(socket, loan.mark()), true)) return found;
  if (candidate.ifindex) {
    auto link = find_link(socket, *candidate.ifindex);
    // A later device can have the index that ours had at home, but hardly its name and address too.
    const bool known =
        link && (candidate.where != Whereabouts::home ||
                 (link->name == loan.home->link.name && link->address == loan.home->link.address));
    if (auto found = accept(std::move(link), known)) return found;
  }
  if (!is_physical(identity)) return std::nullopt;
  // Unmarked and re-indexed, but hardware can't hide. This is the one way to find it.
  auto links = list_links(socket);
  const auto found = std::find_if(links.begin(), links.end(),
                                  [&](const auto& link) { return could_be(identity, link); });
  return found == links.end() ? std::nullopt : accept(*found, true);
}

bool is_held(const NetnsIdentity& netns) { return find_site(netns) != nullptr; }

std::optional<Location> LoanSites::locate_pair(const Loan& loan) {
  // Its address was drawn for it alone; a name can be given anew.
  for (auto& link : list_links(home_->socket)) {
    if (link.kind == "veth" && link.address == loan.pair->host_address) {
      return Location{Whereabouts::home, home_.get(), std::move(link)};
    }
  }
  if (!borrower_ || !loan.inside_ifindex) return std::nullopt;
  auto inside = find_link(borrower_->socket, *loan.inside_ifindex);
  // A veth that the borrower has put there is the borrower's, and so is the loss of it.
  if (!inside || inside->kind != "veth" || inside->name != loan.inside) return std::nullopt;
  return Location{Whereabouts::borrower, borrower_.get(), *std::move(inside)};
}

}  // namespace netlend
