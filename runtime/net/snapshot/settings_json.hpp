#pragma once

#include <nlohmann/json_fwd.hpp>

#include "net/snapshot/device_settings.hpp"

namespace netlend {

/// As the ledger keeps it: what is to be sent back to the kernel as hex.
nlohmann::json to_json(const DeviceSettings& settings);

/// The reverse. Throws Error or nlohmann::json::exception for what to_json() doesn't write.
DeviceSettings settings_from_json(const nlohmann::json& json);

}  // namespace netlend
