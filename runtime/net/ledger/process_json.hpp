#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/process.hpp"

namespace netlend {

/// A process as ledgers and the records of containers keep it.
nlohmann::json to_json(const ProcessIdentity& process);

/// The reverse. Throws nlohmann::json::exception for what to_json() doesn't write.
ProcessIdentity process_from_json(const nlohmann::json& json);

}  // namespace netlend
