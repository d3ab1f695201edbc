#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/container_id.hpp"

namespace netlend {

/// What of an engine's config.json a container that is lent addresses may not have. Whoever has
/// CAP_NET_ADMIN, CAP_NET_RAW or CAP_SYS_ADMIN could send from others' addresses, or give itself
/// other ones, and only the engine can take them away. Throws Error that says how.
void check_capabilities(std::string_view config_text, const ContainerId& id);

/// Why the container can make network namespaces, if nothing in config.json keeps it from that.
std::optional<std::string> why_not_confined(std::string_view config_text, const ContainerId& id);

}  // namespace netlend
