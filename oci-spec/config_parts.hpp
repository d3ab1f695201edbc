#pragma once

#include <string>
#include <vector>

#include "oci-spec/config.hpp"

/// The parts of config.json, each read from the object that holds it; parse_config() puts them
/// together. All throw Error with a JSON pointer.
namespace netlend::oci {

/// Appends to `warnings` what of it has no effect.
Process read_process(const JsonNode& node, std::vector<std::string>& warnings);

Hooks read_hooks(const JsonNode& node);

Linux read_linux(const JsonNode& node);

/// `resources.devices` and `devices` of the object `linux`.
std::vector<DeviceRule> read_device_rules(const JsonNode& resources);
std::vector<Device> read_devices(const JsonNode& linux_node);

}  // namespace netlend::oci
