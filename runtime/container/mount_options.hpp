#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "container/mounts.hpp"

namespace netlend {

/// Attributes of mounts (MOUNT_ATTR_*) to set and to clear; what is in neither stays as it is.
struct AttributeChange {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  bool operator==(const AttributeChange&) const = default;
};

enum class MountAction { make, bind, bind_recursively, remount };

/// The options of one mount of config.json, sorted by what they are for.
struct ConfigMountOptions {
  MountAction action = MountAction::make;
  AttributeChange one_mount;
  /// Of the mounts below too ("rro").
  AttributeChange recursive;
  /// MS_SHARED and its like, with MS_REC where the option says so, in the order to apply them in.
  std::vector<unsigned long> propagation;
  /// What the file system itself is told. A bind mount has nothing to tell it.
  MountOptions parameters;
  bool operator==(const ConfigMountOptions&) const = default;
};

/// All options that the spec names; any other is a parameter of the file system. Throws Error for
/// those that netlend can't carry out (idmap, ridmap, tmpcopyup).
/// Source: runtime-spec, config.md, "Linux mount options".
ConfigMountOptions sort_mount_options(const std::vector<std::string>& options);

}  // namespace netlend
