#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "base/unique_fd.hpp"
#include "net/kernel/netns.hpp"
#include "net/kernel/step_callback.hpp"
#include "net/plan/plan.hpp"

/// The boundary: every entry point lends and gives back through here, so that they cannot drift
/// apart. Home is the caller's network namespace.
namespace netlend {

struct LinkState;
class StateDirectory;

struct LendingContext {
  const StateDirectory& state;
  StepCallback on_step;
  /// Told what is no failure of this call but should be known, in a sentence.
  std::function<void(std::string_view note)> on_note = {};
};

/// Who borrows.
struct Borrower {
  ContainerId id;
  /// With the id the key of its ledgers: the bundle of a container, else the path of its netns.
  std::string key;
  Netns netns;
  /// Absent where the namespace was named by a path; then it lives as long as the path shows it.
  std::optional<ProcessIdentity> process;
  /// How the namespace was named, if by a path; else empty.
  std::string netns_path;
};

enum class Force { no, yes };

/// A device of the plan, and what its source was found to be, so that a rule can't be got round by
/// another name for it; null: a pair that is to be made.
struct WantedDevice {
  const NicPlan& nic;
  const LinkState* device = nullptr;
  /// As driver_of() says it; empty for a pair, and where it is unknown.
  std::string driver = {};
};

/// Throws where one of the plan's devices may not be lent as it says.
using Permission = std::function<void(const std::vector<WantedDevice>& wanted)>;

/// Throws where addresses of the plan may not be lent as it says.
using AddressPermission = std::function<void(const std::vector<AddressPlan>& wanted)>;

struct LendOptions {
  /// Lend also the device that carries the default route and what can't be restored as it was.
  Force force = Force::no;
  /// Empty: root asks, and may.
  Permission permission = {};
  AddressPermission address_permission = {};
  /// For preview() of a container that is yet to be made: it will be in an L3 network namespace.
  bool is_in_l3_namespace = false;
  /// Who gives back when the borrower dies; absent: the lender stays, or nobody does.
  std::optional<ProcessIdentity> guardian = {};
  /// Is given what has to stay open while the devices are away, so that they can be given back as
  /// they were whatever the borrower does: BPF programs that nothing else may hold.
  std::function<void(UniqueFd held)> keep_open = {};
};

/// Lends all devices of the plan, or none: on any error what was done is undone before it is
/// thrown. A ledger of the same borrower with the same plan makes it do nothing. Devices that the
/// dead still hold are brought home first. Returns the ledger's name. Throws Error: refused, taken
/// (the message names the borrower), or the kernel's answer.
std::string lend(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                 const LendOptions& options = {});

/// Whether a container that lives in the borrower's network namespace, be it another one, has been
/// lent the very same: of a pod, whose engine gives each of its containers the annotations of all,
/// the first one lends. The borrower is written down then as one who shares it, and lend() in
/// another namespace takes it along. Throws Error if that can't be written.
bool share_loans(const LendingContext& context, const Plan& plan, const Borrower& borrower);

/// Whether a process is of a container of the borrower's pod.
using IsCompanion = std::function<bool(const ProcessIdentity& process)>;

/// The same for a newcomer in another namespace than that in which a companion has been lent the
/// very same and lives: lend() takes it along for the newcomer, too. Throws Error as share_loans().
bool join_loans(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                const IsCompanion& is_companion);

/// What becomes of a loan whose device can't be brought home as it was.
enum class Leftover {
  /// It stays open, for the next who tries.
  keep,
  /// It is closed: root gives up what is missing, and leaves a device that is home as it is.
  forget
};

/// Brings home all that the ledger holds and closes it. Goes on past failures and returns them;
/// with none, everything is home and equal to its snapshot. A device that was deleted for certain
/// is reported and doesn't keep the ledger open. What is left to the kernel stays where it is while
/// its namespace lives, which is noted. With `forget` the ledger is closed whatever
/// happens, and the failures are what was given up. An absent ledger is success. Idempotent.
Failures give_back(const LendingContext& context, const std::string& ledger_name,
                   Leftover leftover = Leftover::keep) noexcept;

/// Does what a change at home makes necessary for the addresses that the ledger lends: they stay
/// with their borrower, and home is to all others what it wants to be. For whoever watches it (see
/// l3/uplink_watch.hpp). Nothing to do, and an absent ledger, is success.
Failures keep_up(const LendingContext& context, const std::string& ledger_name) noexcept;

/// From now on it is the kernel that brings home what the ledger holds. The OCI specification wants
/// linux.netDevices to stay in the container's namespace until that ends: the kernel then brings
/// hardware to the first namespace, where it is put right, or from where it is taken home; it
/// destroys virtual devices. Source: runtime-spec, config-linux.md, "Network Devices". An absent
/// ledger is success. Throws Error.
void leave_to_kernel(const LendingContext& context, const std::string& ledger_name);

/// The open ledgers of a container, oldest first; with an empty key, of every key.
std::vector<std::string> ledgers_of(const StateDirectory& state, const ContainerId& id,
                                    std::string_view key = {});

enum class ReapScope { dead, all };

/// Brings home what the dead hold, or with `all` also what the living hold. Ledgers that somebody
/// is lending by are left to him; whoever brings one's devices home is waited for, and so is the
/// end of who was killed.
Failures reap(const LendingContext& context, ReapScope scope) noexcept;

/// What would change for one device or one loan of addresses, in sentences; changes nothing.
struct PlanReport {
  std::vector<std::string> changes;
  std::vector<std::string> restored;
  std::vector<std::string> lost;
  /// Why lend() would refuse; empty: it wouldn't.
  std::vector<std::string> refusals;
  /// How addresses would be lent, "routed"; empty for a device, and where none fits.
  std::string mode = {};
  bool operator==(const PlanReport&) const = default;
};

/// What lend() with these options would do for each device of the plan and then for each loan of
/// addresses, in the plan's order. Without `borrower` (it doesn't exist yet) the checks inside it
/// are left out.
std::vector<PlanReport> preview(const LendingContext& context, const Plan& plan,
                                const Borrower* borrower, const LendOptions& options = {});

}  // namespace netlend
