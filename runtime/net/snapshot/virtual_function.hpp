#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/snapshot/raw_record.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// What a physical function says of its virtual functions and what can be set through it alone: the
/// number of the virtual function (std::uint32_t), IFLA_VF_*. Empty for any other device.
std::vector<RawRecord> list_virtual_functions(RouteSocket& socket, const LinkState& link);

/// Where the kernel says which device is a virtual function of which.
struct FunctionBus {
  std::string name = "pci";
  std::string devices = "/sys/bus/pci/devices";
};

/// A virtual function as the device that it belongs to knows it.
struct OwnFunction {
  /// The parent device of the physical function: "0000:03:00.0".
  std::string physical;
  RawRecord function;
  bool operator==(const OwnFunction&) const = default;
};

/// What is said of `link` at home, if it is a virtual function; nothing else, and nothing where its
/// physical function isn't at home.
std::optional<OwnFunction> find_own_function(Site& site, const LinkState& link,
                                             const FunctionBus& bus = {});

/// The parent device of the physical function of the PCI device `parent_device`, and the number of
/// the latter there; nothing where it isn't a virtual function. `devices`: the folder
/// /sys/bus/pci/devices. Source: Documentation/PCI/pci-iov-howto.rst.
struct FunctionPlace {
  std::string physical;
  std::uint32_t number = 0;
};
std::optional<FunctionPlace> find_place(const std::string& devices,
                                        const std::string& parent_device);

/// "virtual function 2".
std::string describe_function(const RawRecord& function);

/// What is not as it was at home, by attribute.
std::vector<std::string> function_differences(const std::vector<RawRecord>& home,
                                              const std::vector<RawRecord>& now);

/// Sets through the device what its virtual functions had.
void restore_virtual_functions(Restoration& restoration, const LinkState& now,
                               const std::vector<RawRecord>& home);

/// The same for a virtual function that is home again itself.
void restore_own_function(Restoration& restoration, const OwnFunction& home,
                          const FunctionBus& bus = {});

}  // namespace netlend
