#include "container/mount_options.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"

namespace netlend {

namespace {
struct Attribute {
  std::string_view name;
  AttributeChange change;
};
// Each is also known with an "r" in front, for the mounts below. Without an attribute of its own
// "relatime" is what the kernel does by default, and giving it up changes nothing (mount(2)).
constexpr std::array kAttributes{
    Attribute{"ro", {MOUNT_ATTR_RDONLY, 0}},
    Attribute{"rw", {0, MOUNT_ATTR_RDONLY}},
    Attribute{"nosuid", {MOUNT_ATTR_NOSUID, 0}},
    Attribute{"suid", {0, MOUNT_ATTR_NOSUID}},
    Attribute{"nodev", {MOUNT_ATTR_NODEV, 0}},
    Attribute{"dev", {0, MOUNT_ATTR_NODEV}},
    Attribute{"noexec", {MOUNT_ATTR_NOEXEC, 0}},
    Attribute{"exec", {0, MOUNT_ATTR_NOEXEC}},
    Attribute{"nodiratime", {MOUNT_ATTR_NODIRATIME, 0}},
    Attribute{"diratime", {0, MOUNT_ATTR_NODIRATIME}},
    Attribute{"nosymfollow", {MOUNT_ATTR_NOSYMFOLLOW, 0}},
    Attribute{"symfollow", {0, MOUNT_ATTR_NOSYMFOLLOW}},
    Attribute{"noatime", {MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME}},
    Attribute{"strictatime", {MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME}},
    Attribute{"relatime", {MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}},
    Attribute{"atime", {MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}},
    Attribute{"nostrictatime", {MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}},
    Attribute{"norelatime", {0, 0}},
};

struct Propagation {
  std::string_view name;
  unsigned long type;
};
constexpr std::array kPropagation{
    Propagation{"shared", MS_SHARED},         Propagation{"rshared", MS_SHARED | MS_REC},
    Propagation{"slave", MS_SLAVE},           Propagation{"rslave", MS_SLAVE | MS_REC},
    Propagation{"private", MS_PRIVATE},       Propagation{"rprivate", MS_PRIVATE | MS_REC},
    Propagation{"unbindable", MS_UNBINDABLE}, Propagation{"runbindable", MS_UNBINDABLE | MS_REC},
};

struct Action {
  std::string_view name;
  MountAction action;
};
constexpr std::array kActions{Action{"bind", MountAction::bind},
                              Action{"rbind", MountAction::bind_recursively},
                              Action{"remount", MountAction::remount}};

// "defaults" is the absence of others. "silent" and "loud" are about the kernel's log. For
// "iversion" the calls of mounts.hpp have no word: file systems that count versions (ext4, XFS,
// btrfs) do it unasked.
constexpr std::array<std::string_view, 5> kWithoutEffect{"defaults", "silent", "loud", "iversion",
                                                         "noiversion"};
constexpr std::array<std::string_view, 3> kRefused{"idmap", "ridmap", "tmpcopyup"};

template <typename List>
const auto* find_named(const List& list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.name == name; });
  return found == list.end() ? nullptr : &*found;
}

void apply(AttributeChange& sum, const AttributeChange& next) {
  sum.set = (sum.set & ~next.clear) | next.set;
  sum.clear = (sum.clear & ~next.set) | next.clear;
}

bool take_attribute(ConfigMountOptions& sorted, std::string_view option) {
  if (const auto* attribute = find_named(kAttributes, option)) {
    apply(sorted.one_mount, attribute->change);
    // A new file system is told too, as mount(2) does: one on a disk would write there otherwise.
    if (option == "ro" || option == "rw") sorted.parameters.emplace_back(option, "");
    return true;
  }
  const auto* recursive =
      option.starts_with('r') ? find_named(kAttributes, option.substr(1)) : nullptr;
  if (recursive != nullptr) apply(sorted.recursive, recursive->change);
  return recursive != nullptr;
}
}  // namespace

ConfigMountOptions sort_mount_options(const std::vector<std::string>& options) {
  ConfigMountOptions sorted;
  for (const std::string& option : options) {
    if (std::ranges::find(kRefused, option) != kRefused.end()) {
      throw Error(fmt::format("the mount option '{}' is none that netlend can carry out", option));
    }
    if (std::ranges::find(kWithoutEffect, option) != kWithoutEffect.end()) continue;
    if (take_attribute(sorted, option)) continue;
    if (const auto* action = find_named(kActions, option)) {
      sorted.action = action->action;
    } else if (const auto* propagation = find_named(kPropagation, option)) {
      sorted.propagation.push_back(propagation->type);
    } else {
      const auto equals = std::min(option.find('='), option.size());
      sorted.parameters.emplace_back(option.substr(0, equals),
                                     option.substr(std::min(equals + 1, option.size())));
    }
  }
  return sorted;
}

}  // namespace netlend
