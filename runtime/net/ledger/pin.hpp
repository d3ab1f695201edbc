#pragma once

#include <optional>
#include <string>

#include "net/kernel/netns.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend {

/// pins/: borrowers' namespaces, which must outlive the borrower until its devices are home;
/// staging/: private ones of ours. A pin is a bind mount, so that nothing of ours has to be alive.
enum class PinFolder { pins, staging };

/// The mount namespace that pins are made in: that of PID 1 if it sees the same state folder, so
/// that the pin outlives an engine's own one; else ours.
std::uint64_t pin_mount_namespace(const StateDirectory& state);

/// Our own one, in which those whom we speak for look for paths.
std::uint64_t own_mount_namespace();

/// Enters the former for good; for a process that outlives the engine whose namespace it is in.
/// The state folder has the same path there. Throws Error.
void enter_pin_mount_namespace(const StateDirectory& state);

struct PinPlace {
  PinFolder folder = PinFolder::pins;
  std::string ledger_name;
  std::uint64_t mount_namespace = 0;
};

/// Where the ledger's pin is. The ledger must have one.
PinPlace pin_place(const Ledger& ledger, PinFolder folder);

/// Pins `netns`; what is already pinned there is success.
void make_pin(const StateDirectory& state, const PinPlace& place, const Netns& netns);

/// Nothing where there is none.
std::optional<Netns> open_pin(const StateDirectory& state, const PinPlace& place);

/// Takes it away; an absent one is success.
void remove_pin(const StateDirectory& state, const PinPlace& place);

}  // namespace netlend
