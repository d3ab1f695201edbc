#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netlend {

inline constexpr std::size_t kInterfaceNameMax = 15;  // IFNAMSIZ - 1
inline constexpr std::size_t kAltNameMax = 127;       // ALTIFNAMSIZ - 1
/// Whether a name of a device can have this byte.
bool is_name_byte(char c) noexcept;

/// A device's number in one network namespace, from 1.
struct IfIndex {
  int value = 0;
  auto operator<=>(const IfIndex&) const = default;
};

/// A name that a network device can have: 1 to 15 bytes, no '/', ':', '%', blank or control
/// character, not "." or "..", nor "all" or "default", which are folders of sysctls.
/// Source: net/core/dev.c, dev_valid_name.
class InterfaceName {
 public:
  /// Throws Error (usage) for anything else.
  explicit InterfaceName(std::string_view text);
  /// As above, but may end in "%d", for which the kernel puts the first number that is free.
  static InterfaceName with_number(std::string_view text);

  const std::string& str() const noexcept { return text_; }
  bool wants_number() const noexcept { return text_.ends_with("%d"); }
  auto operator<=>(const InterfaceName&) const = default;

 private:
  std::string text_;
};

/// An alternative name of a device: as InterfaceName, but up to 127 bytes.
class AltName {
 public:
  /// Throws Error (usage) for anything else.
  explicit AltName(std::string_view text);

  const std::string& str() const noexcept { return text_; }
  auto operator<=>(const AltName&) const = default;

 private:
  std::string text_;
};

/// An IPv4 or IPv6 address, without scope id.
class IpAddress {
 public:
  /// Throws Error (usage) unless inet_pton(3) takes it.
  explicit IpAddress(std::string_view text);
  /// From 4 or 16 bytes in network order. Throws Error for another length.
  static IpAddress from_bytes(std::string_view bytes);

  /// AF_INET or AF_INET6.
  int family() const noexcept { return family_; }
  /// 4 or 16 bytes in network order.
  std::string_view bytes() const noexcept;
  std::string str() const;
  int bits() const noexcept;

  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_multicast() const;
  bool is_link_local() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  IpAddress() = default;
  int family_ = 0;
  std::array<char, 16> bytes_{};
};

/// Whether IpAddress takes it.
bool is_ip_address(std::string_view text);

/// An address with the length of its network's prefix: "10.0.0.2/24". Host bits are kept.
class IpPrefix {
 public:
  /// Throws Error (usage) for anything else; the length must be given.
  explicit IpPrefix(std::string_view text);
  IpPrefix(const IpAddress& address, int length_bits);
  /// A prefix, or an address, which is then of its full length.
  static IpPrefix parse_destination(std::string_view text);

  const IpAddress& address() const noexcept { return address_; }
  int length_bits() const noexcept { return length_bits_; }
  int family() const noexcept { return address_.family(); }
  std::string str() const;
  /// The same with all host bits zero.
  IpPrefix network() const;
  bool has_host_bits() const;
  bool contains(const IpAddress& address) const;

  auto operator<=>(const IpPrefix&) const = default;

 private:
  IpAddress address_;
  int length_bits_;
};

/// An Ethernet address that a device can be given: six bytes, neither multicast nor zero.
class MacAddress {
 public:
  /// Throws Error (usage) for anything but six pairs of hex digits with colons, and for multicast
  /// and zero.
  explicit MacAddress(std::string_view text);

  /// Six bytes.
  const std::string& bytes() const noexcept { return bytes_; }
  std::string str() const;
  auto operator<=>(const MacAddress&) const = default;

 private:
  std::string bytes_;
};

/// "02:00:00:00:00:01" for link-layer addresses of any length.
std::string format_link_address(std::string_view bytes);

/// "0000:03:00.1", lower case. Throws Error (usage) for anything else.
std::string parse_pci_address(std::string_view text);

}  // namespace netlend
