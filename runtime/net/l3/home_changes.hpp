#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/l3/scene.hpp"
#include "net/ledger/lock.hpp"

namespace netlend {

/// One at a time lends addresses of a home, or puts back what several need: another's loan may take
/// what this one goes by. Held from before they are observed until they are lent. Throws Error.
LedgerLock lock_home(const AddressScene& scene);

/// A sysctl of a device of home's that has to be another.
struct NewSysctl {
  /// As in Sysctls: "ipv4/conf/forwarding".
  std::string key;
  std::string device_name;
  std::string value;
};

/// Says in the ledger's home_changes what prepare_home() would change, and returns the sysctls.
/// Changes nothing. Throws Error.
std::vector<NewSysctl> plan_home(const AddressScene& scene);

/// Makes home one that can lend the addresses of the ledger: forwarding, answering for others'
/// addresses, and no use as a router by anybody who had none before. Written to the ledger first.
/// What other ledgers need as well is shared with them. Where home has changed since, it does what
/// that makes necessary: a home that has become a router stays one. For who holds home's lock.
/// Throws Error.
void prepare_home(const AddressScene& scene);

/// Undoes it, as far as no other ledger needs it; takes home's lock.
void put_back_home(const AddressScene& scene, Failures& failures) noexcept;

}  // namespace netlend
