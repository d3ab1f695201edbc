#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/process.hpp"
#include "guardian/lend_by_policy.hpp"
#include "lifecycle/bundle.hpp"
#include "lifecycle/container_record.hpp"
#include "lifecycle/container_store.hpp"
#include "net/kernel/netns.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"
#include "net/plan/plan.hpp"
#include "oci-spec/config.hpp"

namespace netlend {

/// The plans of a container with a bundle. Each has a ledger of its own, since the hook of hooks.d,
/// which is called for the same container, knows the annotations only: it finds the ledger of the
/// very same plan then and does nothing.
struct BundlePlans {
  /// Root's own words: no rule is asked.
  Plan command_line;
  Force force = Force::no;
  /// The engine's words, which the specification has no refusal for.
  Plan network_devices;
};

/// What linux.netDevices of config.json asks for. Throws Error with a JSON pointer.
Plan plan_network_devices(const oci::Config& config);

/// Throws Error where the command line, linux.netDevices and the annotations together ask for what
/// no one plan may: one device or one name inside twice, or two default routes of one family. Else
/// the second plan would be refused for what the first has just lent.
void check_together(const BundlePlans& plans, const oci::Annotations& annotations);

/// Whether they or the annotations ask for addresses.
bool lends_addresses(const BundlePlans& plans, const oci::Annotations& annotations);

/// As make_l3_namespace(), for all that they and the annotations ask for.
std::optional<Netns> make_l3_namespace(const BundlePlans& plans,
                                       const oci::Annotations& annotations);

struct BundleBorrower {
  const ContainerRecord& record;
  /// Opens its network namespace; asked only if there is anything to lend.
  std::function<Netns()> netns;
};

/// Lends what the command line, the container's annotations and linux.netDevices ask for, or
/// nothing. Returns the ledger of linux.netDevices, if there are any: leave_to_kernel() is due for
/// it once the container is made, since of one that isn't everything is brought home. Throws Error:
/// refused by a rule, taken, or the kernel's answer.
std::optional<std::string> lend_to_bundle(const LendingContext& context, const BundlePlans& plans,
                                          Lender lender, const BundleBorrower& borrower);

struct Preview {
  Plan plan;
  /// Of each device of the plan.
  std::vector<PlanReport> reports;
};

/// What lend_to_bundle() would do to a container of this id, and check_together() before it;
/// changes nothing. Where the container would be in the cgroups is taken from config.json. Throws
/// Error as check_together().
Preview preview_bundle(const LendingContext& context, BundlePlans plans, const Bundle& bundle,
                       const ContainerId& id);

/// Whether it is of a container of netlend's own with a bundle, from which `netlend delete` brings
/// its devices home.
bool is_of_bundle(const ContainerStore& containers, const Ledger& ledger);

/// Brings home all that was lent to the container's first process, whoever lent it.
Failures give_back_from(const LendingContext& context, const ContainerRecord& record) noexcept;

}  // namespace netlend
