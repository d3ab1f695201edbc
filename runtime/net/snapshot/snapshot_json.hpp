#pragma once

#include <nlohmann/json_fwd.hpp>

#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// A snapshot as the ledger keeps it: what is to be sent back to the kernel as hex, beside a `text`
/// for the reader.
nlohmann::json to_json(const DeviceSnapshot& snapshot);

/// The reverse. Throws Error or nlohmann::json::exception for what to_json() doesn't write.
DeviceSnapshot snapshot_from_json(const nlohmann::json& json);

/// Parts of it, for what else the ledger keeps.
nlohmann::json address_to_json(const AddressRecord& address);
AddressRecord address_from_json(const nlohmann::json& object);
nlohmann::json device_route_to_json(const DeviceRoute& route);
DeviceRoute device_route_from_json(const nlohmann::json& object);

}  // namespace netlend
