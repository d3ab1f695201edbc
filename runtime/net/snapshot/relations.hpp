#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/netfilter.hpp"
#include "net/snapshot/bond.hpp"
#include "net/snapshot/bridge_port.hpp"
#include "net/snapshot/forwarding.hpp"
#include "net/snapshot/mirror.hpp"
#include "net/snapshot/raw_record.hpp"
#include "net/snapshot/restoration.hpp"
#include "net/snapshot/virtual_function.hpp"
#include "net/snapshot/wireless.hpp"

namespace netlend {

/// What hangs on a device without being the device's own: its place in a bridge or bond, entries,
/// rules and virtual functions.
struct Relations {
  /// Of what it is a port of; empty: of nothing, or the snapshot is of an older netlend.
  std::string master_name;
  /// Present for the port of a bridge.
  std::optional<BridgePort> port;
  /// Present for the port of a bond.
  std::optional<Bond> bond;
  Forwarding forwarding;
  std::vector<RawRecord> rules;
  /// Chains and flowtables of nftables that it is in, and what of traffic control sends to it.
  /// Looked for only at home before a loan: find_pointers().
  std::vector<NetfilterHook> hooks;
  std::vector<RawRecord> mirrors;
  /// Present for a Wi-Fi device.
  std::optional<Wireless> wireless;
  /// For a physical function its virtual ones ...
  std::vector<RawRecord> functions;
  /// ... and for a virtual function what its physical one says of it.
  std::optional<OwnFunction> own_function;
  bool operator==(const Relations&) const = default;
};

/// `at_home`: what it is to be compared with, of which forwarding is looked for only if there was
/// any; null: all is looked for.
Relations observe_relations(Site& site, const LinkState& link, const Relations* at_home = nullptr);

/// What `now` has not as `home` had it, a sentence each; without the master.
std::vector<std::string> relation_differences(const Relations& home, const Relations& now);

/// What will be given back, a sentence each: for the plan.
std::vector<std::string> describe_relations(const LinkState& link, const Relations& relations);

/// Whether the device is in a master that deals out the address which it has: then that isn't its
/// own.
bool has_given_address(const Relations& home, const LinkState& now);

/// Takes out what its master keeps of it, where its place there is given up.
void forget_master(Relations& relations);

/// Adds what points at the device from elsewhere and will do so again: hooks and mirrors.
void find_pointers(Site& home, const LinkState& link, Relations& relations);
/// What of those doesn't now, a sentence each.
std::vector<std::string> pointer_differences(Site& home, const std::string& device,
                                             const Relations& relations);

/// What was removed at home while the device was away, by somebody there since the kernel leaves it
/// in place: that stands, and isn't made again. The subject of a sentence each.
std::vector<std::string> removed_at_home(Site& home, const LinkState& now,
                                         const Relations& relations);

/// For a device that is a port again and still down: what must be right before a frame passes.
void restore_before_up(Restoration& restoration, const Relations& home);
/// For a device that is as it was.
void restore_relations(Restoration& restoration, const Relations& home);

/// As the ledger keeps it: absent members are empty. Throws Error or nlohmann::json::exception.
nlohmann::json to_json(const Relations& relations);
Relations relations_from_json(const nlohmann::json& object);

}  // namespace netlend
