#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend {

/// Who has a device or an address: the content of devices/LEASE or addresses/LEASE; the name of an
/// address's lease begins with its folder.
struct Lease {
  std::string ledger_name;
  ContainerId id;
  bool operator==(const Lease&) const = default;
};

/// Takes the device for the ledger, all or nothing, before anything else is touched. Nothing: it is
/// ours now; else who has it.
std::optional<Lease> take_lease(const StateDirectory& state, const std::string& lease_name,
                                const Lease& holder);

/// Nothing where nobody has it. A broken one is an Error without an errno.
std::optional<Lease> read_lease(const StateDirectory& state, const std::string& lease_name);

/// Gives it up if it is the ledger's; also a broken one, since only who has it asks for that.
void drop_lease(const StateDirectory& state, const std::string& lease_name,
                const std::string& ledger_name);

/// Puts a whole one in the place of a broken one, which is the holder's.
void mend_lease(const StateDirectory& state, const std::string& lease_name, const Lease& holder);
/// Removes it, whoever's it is.
void remove_lease(const StateDirectory& state, const std::string& lease_name);

/// The names of all leases.
std::vector<std::string> list_leases(const StateDirectory& state);

}  // namespace netlend
