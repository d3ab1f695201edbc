#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/kernel/netns.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/snapshot/snapshot.hpp"

/// What `netlend show` shows.
namespace netlend::cli {

struct DeviceView {
  DeviceSnapshot state;
  /// Of its master; empty without one.
  std::string master_name;
  /// The loan that it is away by.
  std::optional<std::string> loan_id;
};

/// Another home is one that somebody lends from who is in another namespace.
enum class Role { home, borrower, staging };

struct NamespaceView {
  Role role = Role::home;
  /// "box (pid 42)"; empty for the namespace that we are in.
  std::string name;
  NetnsIdentity identity;
  /// By ifindex.
  std::vector<DeviceView> devices;
};

struct Observation {
  std::vector<NamespaceView> namespaces;
  std::vector<Ledger> ledgers;
  /// What could not be looked at.
  Failures failures;
};

/// Our own namespace, the first, other homes, those of the borrowers and what is in staging.
/// Changes nothing. Throws Error.
Observation observe(const StateDirectory& state);

}  // namespace netlend::cli
