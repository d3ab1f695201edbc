#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// The devices of this namespace that stand on `link`: vlan, macvlan, ipvlan, macsec, vxlan and
/// their like; not its master. Needs CAP_SYS_ADMIN: they are listed in sysfs alone, of which a
/// private view is opened, since /sys can be another namespace's.
std::vector<LinkState> list_uppers(Site& site, const LinkState& link);

/// One that stands on a device and was moved to another namespace, which this one knows by an id.
struct UpperElsewhere {
  std::uint32_t nsid = 0;
  LinkState link;
};
/// Those that get the frames of `link`, or a part of them. One that was made where it is at once,
/// rather than moved there, isn't known here. `but_not_in`: the id of a namespace that isn't asked.
std::vector<UpperElsewhere> list_uppers_elsewhere(
    Site& site, const LinkState& link, std::optional<std::uint32_t> but_not_in = std::nullopt);

/// The tunnels that send through `link` alone (`dev X`).
std::vector<LinkState> list_tunnels(Site& site, const LinkState& link);

/// The kernel destroys such an upper when the device below moves.
bool is_destroyed_by_move(const LinkState& upper);

}  // namespace netlend
