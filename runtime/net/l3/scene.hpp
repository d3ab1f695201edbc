#pragma once

#include "net/kernel/site.hpp"
#include "net/kernel/step_callback.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend {

/// What lending and giving back addresses work on.
struct AddressScene {
  const StateDirectory& state;
  Ledger& ledger;
  Site& home;
  const StepCallback& on_step;
  /// Null before there is one, and where its namespace is gone.
  Site* borrower = nullptr;
  /// The borrower is in an L3 network namespace of home's, or will be.
  bool is_in_l3_namespace = false;
  /// The other open ledgers of this home, if they have been read for all that is to be asked of
  /// them; null: they are read at each question.
  const std::vector<Ledger>* others = nullptr;

  /// The same, with the other ledgers read. For one act of who holds home's lock: nobody changes in
  /// them meanwhile what is asked for.
  AddressScene knowing(const std::vector<Ledger>& ledgers) const {
    AddressScene scene = *this;
    scene.others = &ledgers;
    return scene;
  }

  void call(Site& site, const Message& message) const {
    if (on_step) on_step(message.doing());
    site.socket.call(message);
  }
  /// As call(), but what is there already, or gone already, is success.
  void ensure(Site& site, const Message& message) const;
};

/// Whether an address of any home is lent. Who lends one has a lease before and after his ledger,
/// so where this is false, no ledger has to be read for it.
bool is_any_address_lent(const StateDirectory& state);

/// The other open ledgers of this home.
std::vector<Ledger> other_ledgers(const AddressScene& scene);

/// Those of them that lend addresses.
std::vector<Ledger> other_address_ledgers(const AddressScene& scene);

/// Waits until the namespace takes what is sent to the address: the kernel enters the route of an
/// IPv6 address in a worker, after it has answered. Throws Error after some seconds.
void wait_for_local_route(Site& site, IfIndex device, const IpAddress& address);

/// Waits until the kernel sends what is sent by the device: one that is set up has a carrier only
/// since its other end was, too. Throws Error after some seconds.
void wait_until_sending(Site& site, IfIndex device);

/// The address as a prefix of its full length.
IpPrefix host_prefix(const IpAddress& address);

}  // namespace netlend
