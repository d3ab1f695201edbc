#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/l3/scene.hpp"
#include "net/plan/plan.hpp"

namespace netlend {

/// The mode that a loan whose addresses are observed is lent in: that of the plan, or the first
/// that can be used. Changes nothing. Throws Error that says why none can.
AddressMode choose_mode(const AddressScene& scene, const AddressPlan& plan,
                        const AddressLoan& loan);

/// Why this kernel can't lend in that mode, whatever the addresses and the borrower; nothing: it
/// can, but for the two of the next functions.
std::optional<std::string> why_not_of_kernel(Site& home, AddressMode mode);

/// Modes "routed" and "netkit": why IPv6 can't be forwarded here by that device.
std::optional<std::string> why_no_forwarding6(const Site& home, const std::string& device);

/// Modes "ipvlan" and "macvlan": why a borrower can't be kept from sending from others' addresses.
std::optional<std::string> why_no_source_filter(const Site& home, const AddressLoan& loan,
                                                const std::string& device);

/// The mode of a ledger's loan; `automatic` where its addresses were never observed. Throws Error
/// for one that this netlend doesn't know.
AddressMode mode_of(const AddressLoan& loan);

/// The kind of the pair between home and the borrower.
std::string pair_kind(AddressMode mode);

/// What goes between the LAN and the borrower is forwarded here.
inline bool is_forwarded(AddressMode mode) {
  return mode == AddressMode::routed || mode == AddressMode::netkit;
}

/// The borrower has a device that stands on that of home's, and the pair besides.
inline bool is_direct(AddressMode mode) {
  return mode == AddressMode::ipvlan || mode == AddressMode::macvlan;
}

/// Home and its routes have to be made ready for it. Else the kernel knows whose the addresses are,
/// and chooses another source for home by itself.
inline bool changes_home(AddressMode mode) { return mode != AddressMode::kernel; }

/// The borrower hears what the LAN broadcasts as any host there does.
inline bool is_on_lan(AddressMode mode) {
  return mode == AddressMode::macvlan || mode == AddressMode::kernel;
}

/// The borrower is sent copies of what the LAN broadcasts.
inline bool is_sent_copies(const AddressPlan& plan, AddressMode mode) {
  return plan.broadcast && !is_on_lan(mode);
}

/// Home answers on the LAN for what it has given away.
inline bool is_answered_by_home(AddressMode mode) { return !is_on_lan(mode); }

}  // namespace netlend
