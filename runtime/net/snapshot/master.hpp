#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/snapshot/bond.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// Why its place in such a master can't be given back; nothing: it can.
std::optional<std::string> why_not_writable(const LinkMaster& master);

/// "bridge 'br0'"; without a name (older ledgers have none) "bridge device 3".
std::string describe(const LinkMaster& master, const std::string& name);

/// A master, its name, and what it is to the device if it is a bond.
struct NamedMaster {
  const std::optional<LinkMaster>& master;
  const std::string& name;
  const std::optional<Bond>& bond;
};
/// What `now` has not as `home` had it, a sentence each.
std::vector<std::string> master_differences(const NamedMaster& home, const NamedMaster& now);

/// The address that the device must have as it joins its master, which may then give it another
/// one: a bond hands that out again when the device leaves it.
const std::string& address_to_join_with(const LinkState& home);

/// Makes the device, which is down, a port of what it was a port of. A master that was made anew
/// meanwhile is known by kind and name.
void restore_master(Restoration& restoration, const LinkState& now, const NamedMaster& home);

}  // namespace netlend
