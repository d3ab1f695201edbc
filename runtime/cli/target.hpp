#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <variant>

#include "base/container_id.hpp"
#include "lifecycle/container_store.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/lending.hpp"
#include "net/plan/plan.hpp"

/// Who `netlend lend --to` lends to.
namespace netlend::cli {

struct ProcessTarget {
  pid_t pid = 0;
  bool operator==(const ProcessTarget&) const = default;
};
struct PathTarget {
  /// Absolute.
  std::string path;
  bool operator==(const PathTarget&) const = default;
};
using Target = std::variant<ProcessTarget, PathTarget, ContainerId>;

/// "pid:N", "netns:NAME" (of /run/netns), "netns:/PATH", or the ID of a container that netlend runs
/// or has lent to. Throws Error (usage).
Target parse_target(std::string_view text);

/// Opens the target's namespace. The plan's names inside are part of the ledger's key, so that
/// several loans to one borrower each have a ledger. Throws Error: no such process, namespace or
/// container, one that has ended, or our own namespace.
Borrower find_borrower(const StateDirectory& state, const ContainerStore& containers,
                       const Target& target, const Plan& plan);

/// What is behind the ledgers that find_borrower() gives rise to: lent by hand.
bool is_by_hand(const Ledger& ledger);

}  // namespace netlend::cli
