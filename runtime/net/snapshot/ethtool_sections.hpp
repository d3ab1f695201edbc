#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace netlend::ethtool {

/// One attribute that is a number.
struct Number {
  std::uint16_t type;
  const char* name;
  /// It is told what the link really has, and is a setting only where autonegotiation is off. This
  /// value says that it isn't known, for which many drivers have to be up with a carrier.
  std::optional<std::uint32_t> unknown = {};
};

/// One pair of GET and SET commands.
struct Section {
  /// It is a key in ledgers.
  const char* name;
  std::uint8_t get;
  std::uint8_t set;
  std::span<const Number> numbers = {};
  /// The bitset of what is wanted and that of what can be; 0: there is none. One without the other
  /// lists what is wanted, and there is no telling what can be.
  int wanted = 0;
  int mask = 0;
  /// A device on top of another one tells that one's, and can't set it.
  bool is_of_wire = false;

  bool is_list() const noexcept { return wanted != 0 && mask == 0; }
};

/// In the order of setting.
/// Source: Documentation/networking/ethtool-netlink.rst, include/uapi/linux/ethtool_netlink.h.
std::span<const Section> sections();

}  // namespace netlend::ethtool
