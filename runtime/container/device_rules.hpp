#pragma once

#include <linux/bpf.h>

#include <string>
#include <vector>

#include "oci-spec/config.hpp"

/// `linux.resources.devices` in the two languages that the kernel has for it. Pure.
namespace netlend {

/// All rules of a container: everything is forbidden, then what the config says, then the devices
/// are allowed that every container has (config-linux.md, "Default Devices") and all nodes may be
/// made, as runc and crun have it.
std::vector<oci::DeviceRule> container_device_rules(const std::vector<oci::DeviceRule>& configured);

/// One line for a file of the `devices` controller of cgroup version 1.
struct DeviceWrite {
  /// "devices.allow" or "devices.deny".
  std::string file;
  /// "c 1:3 rwm", or "a" for everything.
  std::string line;
  bool operator==(const DeviceWrite&) const = default;
};

/// What the rules come to in version 1, which knows no order: one default, and exceptions from it.
/// Throws Error for what can't be said there: a rule about a part of what an earlier one, to the
/// opposite effect, is about. Source: Documentation/admin-guide/cgroup-v1/devices.rst.
std::vector<DeviceWrite> device_writes(const std::vector<oci::DeviceRule>& rules);

/// The rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, for version 2: for each kind of
/// access the last rule that speaks of it and of the device decides; where none does, it is
/// forbidden.
std::vector<bpf_insn> device_program(const std::vector<oci::DeviceRule>& rules);

}  // namespace netlend
