#pragma once

#include "net/l3/mode.hpp"
#include "net/l3/scene.hpp"

namespace netlend {

/// Modes "ipvlan" and "macvlan": the borrower's packets go by a device of its own that stands on
/// that of home's. They don't pass the pair, by which home and borrower reach each other, and with
/// which the kernel ends the loan: that holds what makes the address the borrower's at home, as in
/// mode "routed".
///
/// ipvlan (L3S): home answers for the addresses as in mode "routed"; what comes for them reaches
/// the borrower for as long as it has them. macvlan: the borrower answers itself, by a link address
/// of its own, which home goes on hearing and takes for its own once the borrower is gone.
class DirectPath {
 public:
  DirectPath(const AddressScene& scene, Site& borrower, AddressLoan& loan)
      : scene_(scene), borrower_(borrower), loan_(loan), mode_(mode_of(loan)) {}

  /// All that has no effect on who has the addresses in mode macvlan; in mode ipvlan all. `pair`:
  /// its end inside. Throws Error.
  void set_up(IfIndex pair);
  /// Once home has the addresses no more: what makes them the borrower's. Throws Error.
  void finish();
  /// By the pair: home, which speaks from that address's substitute.
  void reach(IfIndex pair, const LentAddress& lent);

 private:
  void prepare_lan();
  IfIndex make_upper();
  void reach_home(IfIndex pair);
  void add_addresses();
  RouteRecord in_own_table(RouteRecord route) const;
  void route(IfIndex device, const RouteRecord& route);
  void route_to_lan();
  void route_by_router();
  void ask_own_table();
  IfIndex upper() const { return loan_.upper.value(); }

  const AddressScene& scene_;
  Site& borrower_;
  AddressLoan& loan_;
  AddressMode mode_;
};

/// Takes the borrower's device away, so that it has the addresses no more; it may be gone.
void remove_upper(const AddressScene& scene, const AddressLoan& loan);
/// Mode "macvlan": tells the LAN that the addresses are here now.
void tell_lan(const AddressScene& scene, const AddressLoan& loan, Failures& failures) noexcept;
/// Mode "macvlan": hears the borrower's link address no more.
void stop_hearing(const AddressScene& scene, const AddressLoan& loan);

}  // namespace netlend
