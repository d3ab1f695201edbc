#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"
#include "net/plan/plan.hpp"
#include "net/snapshot/companions.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

struct LendOptions;

/// Whether the device is one that the selector means.
bool is_meant(const LinkState& link, const DeviceSelector& selector);

/// The device that the selector means at home. Nothing where there is none. Throws Error
/// where it means several: it names them.
std::optional<LinkState> select_device(Site& home, const DeviceSelector& selector);

/// Why no force can lend it: the kernel doesn't move such a device. Nothing: it can be moved.
std::optional<std::string> why_immovable(Site& home, const LinkState& link);

/// Why it is lent only by --force: it carries the default route, or can't come home as it was.
std::vector<std::string> why_only_by_force(Site& home, const DeviceSnapshot& snapshot);

/// The same of the RDMA devices that reach the network through it. Throws Error (EBUSY) if one of
/// them would be destroyed.
std::vector<std::string> why_only_by_force(const std::vector<RdmaDevice>& companions);

/// What there is to do about it, for who asks so.
std::string_view way_by_force(const LendOptions& options);

/// A default route that would be one too many.
Error second_gateway(const Gateway& gateway, const ContainerId& borrower);

/// Throws Error unless the addresses, routes and MTU of the plan fit the device.
void check_fits(const NicPlan& nic, const DeviceSnapshot& snapshot);

}  // namespace netlend
