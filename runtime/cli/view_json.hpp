#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lifecycle/container_store.hpp"

namespace netlend::cli {

/// The container's state as the spec has it, and when it was created.
nlohmann::ordered_json view_to_json(const ContainerView& view);

}  // namespace netlend::cli
