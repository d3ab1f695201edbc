#pragma once

#include <memory>
#include <optional>

#include "net/kernel/site.hpp"
#include "net/ledger/ledger.hpp"
#include "net/peer_loan.hpp"

namespace netlend {

/// `elsewhere`: where the borrower has moved it on to.
enum class Whereabouts { home, borrower, staging, initial, elsewhere };

/// Where a loan's device is now.
struct Location {
  Whereabouts where = Whereabouts::home;
  Site* site = nullptr;
  LinkState link;
};

/// The namespaces in which the devices of a ledger can be, as far as they can still be reached.
class LoanSites {
 public:
  /// Throws Error if home itself can't be reached from here.
  LoanSites(const StateDirectory& state, const Ledger& ledger);

  Site& home() noexcept { return *home_; }
  /// Null where the borrower's namespace is gone.
  Site* borrower() noexcept { return borrower_.get(); }
  /// The ledger's private namespace, made and pinned when it is first asked for.
  Site& staging(const StateDirectory& state, const Ledger& ledger);

  /// Finds the device by what a borrower can't change. Nothing: it is in none of these namespaces,
  /// or gone.
  std::optional<Location> locate(const Loan& loan);
  /// The end of a made pair that can be reached: that at home, whatever its name is now, or that
  /// inside. Nothing where the pair was never made or is gone.
  std::optional<Location> locate_pair(const Loan& loan);
  /// Whether what locate() doesn't find was deleted for certain, and not just moved on: the other
  /// end of a veth, which was at home, is gone as well.
  bool is_deleted(const Loan& loan);

 private:
  struct Candidate {
    Whereabouts where;
    Site* site;
    /// Where it had which index.
    std::optional<IfIndex> ifindex;
  };

  std::vector<Candidate> candidates(const Loan& loan);
  bool is_joined_to_loan(const PeerLoan& peer, Site& site, const LinkState& link);
  bool is_joined_to_home(const Candidate& candidate, const LinkState& link);
  std::optional<Location> locate_wireless(const Loan& loan);
  std::optional<Location> locate_by_peer(const Loan& loan, const DeviceIdentity& identity);
  std::optional<Location> locate_in(const Candidate& candidate, const Loan& loan,
                                    const DeviceIdentity& identity);
  std::optional<Location> locate_elsewhere(const Loan& loan, const DeviceIdentity& identity,
                                           const std::optional<PeerLoan>& peer);

  const StateDirectory& state_;
  std::unique_ptr<Site> home_;
  std::unique_ptr<Site> borrower_;
  std::unique_ptr<Site> staging_;
  /// Where the kernel sends a physical device whose namespace died, if that isn't home.
  std::unique_ptr<Site> initial_;
  std::unique_ptr<Site> elsewhere_;
};

/// Whether a device at home that has the index which a lent one had there is that one: a later
/// device can have the index, but hardly the name and address, too.
bool is_as_it_left(const LinkState& now, const LinkState& before);

/// The namespace that the ledger lends from. Throws Error if it can't be reached from here.
Site open_home(const Ledger& ledger);

/// The borrower's namespace, by the pin, its path or whoever holds it, this process among them;
/// null where it is gone.
std::unique_ptr<Site> open_borrower(const StateDirectory& state, const Ledger& ledger);

/// A network namespace that is ours, or that a process or a name holds; null: none does.
std::unique_ptr<Site> find_site(const NetnsIdentity& wanted);

/// Whether a process or a name holds a network namespace.
bool is_held(const NetnsIdentity& netns);

}  // namespace netlend
