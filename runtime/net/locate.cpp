#include "net/locate.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/held_netns.hpp"
#include "net/ledger/pin.hpp"

namespace netlend {

namespace {
std::unique_ptr<Site> to_site(std::optional<Netns> netns) {
  return netns ? std::make_unique<Site>(*std::move(netns)) : nullptr;
}

IsWanted has_identity(const NetnsIdentity& wanted) {
  return [&wanted](const Netns& netns) { return netns.identity() == wanted; };
}

}  // namespace

std::unique_ptr<Site> find_site(const NetnsIdentity& wanted) {
  Netns own = Netns::current();
  if (own.identity() == wanted) return std::make_unique<Site>(std::move(own));
  return to_site(find_inhabited_netns(has_identity(wanted)));
}

namespace {
std::unique_ptr<Site> open_staging(const StateDirectory& state, const Ledger& ledger) {
  if (!ledger.pin) return nullptr;
  return to_site(open_pin(state, pin_place(ledger, PinFolder::staging)));
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
    if (auto site = to_site(open_wanted(ledger.netns_path, has_identity(ledger.borrower)))) {
      return site;
    }
  }
  // Whoever lends and stays goes on holding his borrower's when its last process is dead.
  if (auto site = to_site(find_own_open_netns(has_identity(ledger.borrower)))) return site;
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

bool is_as_it_left(const LinkState& now, const LinkState& before) {
  return now.name == before.name && now.address == before.address;
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
  // Where no borrower's hand reaches comes first: whatever he has made since, ours is there.
  if (staging_) all.push_back({Whereabouts::staging, staging_.get(), home_ifindex});
  all.push_back({Whereabouts::home, home_.get(), home_ifindex});
  if (borrower_) {
    all.push_back({Whereabouts::borrower, borrower_.get(),
                   loan.inside_ifindex ? loan.inside_ifindex : home_ifindex});
  }
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
  const auto peer = is_veth ? find_peer_loan(state_, *home_, identity) : std::nullopt;
  for (const auto& candidate : candidates(loan)) {
    // Only a physical device is ever sent to the initial namespace by the kernel.
    if (candidate.where == Whereabouts::initial && !is_physical(identity)) continue;
    auto location = locate_in(candidate, loan, identity);
    if (!location) continue;
    // A borrower can mark a veth of its own, but not give it another end at home or in a loan.
    const bool is_genuine =
        !is_veth || (peer ? is_joined_to_loan(*peer, *candidate.site, location->link)
                          : is_joined_to_home(candidate, location->link));
    if (is_genuine) return location;
  }
  // By its mark a veth is known only where its other end can't tell where it is.
  if (is_veth && !peer) return std::nullopt;
  return locate_elsewhere(loan, identity, peer);
}

/// Where the borrower has moved it on to, for as long as that is held, by its mark or, if it is
/// hardware, by what it is.
std::optional<Location> LoanSites::locate_elsewhere(const Loan& loan,
                                                    const DeviceIdentity& identity,
                                                    const std::optional<PeerLoan>& peer) {
  std::optional<Location> found;
  find_held_netns([&](const Netns& netns) {
    auto site = std::make_unique<Site>(netns.duplicate());
    found = locate_in({Whereabouts::elsewhere, site.get(), std::nullopt}, loan, identity);
    if (found && peer && !is_joined_to_loan(*peer, *site, found->link)) found.reset();
    if (found) elsewhere_ = std::move(site);
    return found.has_value();
  });
  return found;
}

bool LoanSites::is_deleted(const Loan& loan) {
  const DeviceIdentity identity = identify_device(loan.home->link);
  if (identity.kind != "veth" || !identity.peer || identity.peer_nsid) return false;
  // The kernel deletes both ends of a veth together (drivers/net/veth.c, veth_dellink).
  if (find_link(home_->socket, *identity.peer) || find_peer_loan(state_, *home_, identity)) {
    return false;
  }
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
  elsewhere_ = to_site(find_held_netns([&](const Netns& netns) {
    auto socket = open_wireless(netns);
    return socket && find_phy(*socket, wireless.phy);
  }));
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
  elsewhere_ = to_site(
      find_held_netns([&](const Netns& netns) { return nsid_of(*home_, netns) == place->nsid; }));
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

/// Its other end is where that one's own loan has it. Moved on from there it bears that loan's
/// mark, which nobody can know who hasn't borrowed it.
bool LoanSites::is_joined_to_loan(const PeerLoan& peer, Site& site, const LinkState& link) {
  // No borrower's hand reaches there.
  if (&site == home_.get() || &site == staging_.get()) return true;
  LoanSites others(state_, peer.ledger);
  for (const auto& candidate : others.candidates(peer.loan)) {
    if (const auto joined = are_joined(site, link, *candidate.site)) return *joined;
  }
  return find_held_netns([&](const Netns& netns) {
           Site there{netns.duplicate()};
           const auto marked = find_link(there.socket, peer.loan.mark());
           return marked && marked->ifindex == link.lower && are_joined(site, link, there) == true;
         })
      .has_value();
}

std::optional<Location> LoanSites::locate_in(const Candidate& candidate, const Loan& loan,
                                             const DeviceIdentity& identity) {
  const auto accept = [&](std::optional<LinkState> link, bool is_known) -> std::optional<Location> {
    if (!link || !could_be(identity, *link) || !(is_known || is_physical(identity)) ||
        !goes_through_home(identity, *home_, *candidate.site, *link)) {
      return std::nullopt;
    }
    return Location{candidate.where, candidate.site, *std::move(link)};
  };
  RouteSocket& socket = candidate.site->socket;
  const auto by_mark = [&] { return accept(find_link(socket, loan.mark()), true); };
  const auto by_index = [&]() -> std::optional<Location> {
    if (!candidate.ifindex) return std::nullopt;
    auto link = find_link(socket, *candidate.ifindex);
    const bool known =
        link && (candidate.where != Whereabouts::home || is_as_it_left(*link, loan.home->link));
    return accept(std::move(link), known);
  };
  // A borrower gives its mark to another with a word, and its index only by moving it away. Whoever
  // lent it may have been killed before he could write down its index there: it takes its own along
  // if that is free.
  const bool is_index_known = candidate.where != Whereabouts::borrower || loan.inside_ifindex;
  auto found = is_index_known ? by_index() : by_mark();
  if (!found) found = is_index_known ? by_mark() : by_index();
  if (found) return found;
  if (!is_physical(identity)) return std::nullopt;
  // Unmarked and re-indexed, but hardware can't hide. This is the one way to find it.
  auto links = list_links(socket);
  const auto hardware = std::find_if(links.begin(), links.end(),
                                     [&](const auto& link) { return could_be(identity, link); });
  return hardware == links.end() ? std::nullopt : accept(*hardware, true);
}

bool is_held(const NetnsIdentity& netns) { return find_site(netns) != nullptr; }

std::optional<Location> LoanSites::locate_pair(const Loan& loan) {
  // Its address was drawn for it alone; a name can be given anew.
  const auto is_end = [&](const LinkState& link) {
    return link.kind == "veth" && link.address == loan.pair->host_address;
  };
  auto end = find_link(home_->socket, loan.pair->host_name);
  if (!end || !is_end(*end)) {
    auto links = list_links(home_->socket);
    const auto found = std::find_if(links.begin(), links.end(), is_end);
    end = found == links.end() ? std::nullopt : std::optional{std::move(*found)};
  }
  if (end) return Location{Whereabouts::home, home_.get(), *std::move(end)};
  if (!borrower_ || !loan.inside_ifindex) return std::nullopt;
  auto inside = find_link(borrower_->socket, *loan.inside_ifindex);
  // A veth that the borrower has put there is the borrower's, and so is the loss of it.
  if (!inside || inside->kind != "veth" || inside->name != loan.inside) return std::nullopt;
  return Location{Whereabouts::borrower, borrower_.get(), *std::move(inside)};
}

}  // namespace netlend
