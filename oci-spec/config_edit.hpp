#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A config.json that another runtime is about to read: what it says of the network, and changes
/// that keep all else, also what the specification doesn't name.
namespace netlend::oci {

struct NetworkWish {
  /// False: the runtime's own.
  bool has_namespace = false;
  /// Absent: a new one is made.
  std::optional<std::string> netns_path;
  /// By linux.netDevices.
  bool has_devices = false;
  /// Those keys of linux.sysctl that a network namespace has values of its own for.
  std::vector<std::string> sysctls;
};

/// Throws Error with a JSON pointer.
NetworkWish parse_network_wish(std::string_view json_text);

struct ConfigChanges {
  /// For the namespace of type network, which is there already.
  std::string netns_path;
  /// Taken out of each set of process.capabilities.
  std::vector<std::string_view> capabilities;
  /// Taken out of linux.sysctl.
  std::vector<std::string> sysctls;
  /// Called at createRuntime and at poststop, with the stage's name, unless a program of the same
  /// file name is already.
  std::string hook_path;
};

/// The text, whose wish has a namespace, with these changes. Throws Error with a JSON pointer.
std::string change_config(std::string_view json_text, const ConfigChanges& changes);

}  // namespace netlend::oci
