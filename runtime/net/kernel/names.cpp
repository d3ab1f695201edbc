#include "net/kernel/names.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

bool is_name_byte(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f && c != '/' && c != ':' && c != '%';
}

namespace {
constexpr std::size_t kMacBytes = 6;

void check_name(std::string_view text, std::size_t max, std::string_view what) {
  const bool reserved = text == "." || text == ".." || text == "all" || text == "default";
  if (text.empty() || text.size() > max || reserved ||
      !std::all_of(text.begin(), text.end(), is_name_byte)) {
    throw Error::usage(fmt::format(
        "{} '{}': use 1 to {} bytes without '/', ':', '%', blanks or control characters, and not "
        "'.', '..', 'all' or 'default'",
        what, printable(text), max));
  }
}

/// Nothing for what is no address. `bytes` gets it, in network order.
std::optional<int> family_of(std::string_view text, std::array<char, 16>& bytes) {
  const std::string terminated(text);
  // inet_pton stops at a NUL; the text must not.
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, terminated.c_str(), bytes.data()) == 1) return family;
  }
  return std::nullopt;
}

[[noreturn]] void throw_bad_address(std::string_view text, std::string_view what) {
  throw Error::usage(fmt::format("'{}' is not {}", printable(text), what));
}
}  // namespace

InterfaceName::InterfaceName(std::string_view text) : text_(text) {
  check_name(text, kInterfaceNameMax, "device name");
}

InterfaceName InterfaceName::with_number(std::string_view text) {
  constexpr std::string_view kNumber = "%d";
  if (!text.ends_with(kNumber)) return InterfaceName(text);
  std::string name(text.substr(0, text.size() - kNumber.size()));
  name += "00";  // What is checked: as long, and of the bytes of a name.
  InterfaceName checked(name);
  checked.text_ = text;
  return checked;
}

AltName::AltName(std::string_view text) : text_(text) {
  check_name(text, kAltNameMax, "alternative name");
}

bool is_ip_address(std::string_view text) {
  std::array<char, 16> bytes{};
  return family_of(text, bytes).has_value();
}

IpAddress::IpAddress(std::string_view text) {
  const auto family = family_of(text, bytes_);
  if (!family) throw_bad_address(text, "an IPv4 or IPv6 address");
  family_ = *family;
}

IpAddress IpAddress::from_bytes(std::string_view bytes) {
  IpAddress address;
  if (bytes.size() == sizeof(in_addr)) {
    address.family_ = AF_INET;
  } else if (bytes.size() == sizeof(in6_addr)) {
    address.family_ = AF_INET6;
  } else {
    throw Error(fmt::format("an IP address of {} bytes", bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

std::string_view IpAddress::bytes() const noexcept {
  return {bytes_.data(), static_cast<std::size_t>(bits() / 8)};
}

int IpAddress::bits() const noexcept { return family_ == AF_INET ? 32 : 128; }

std::string IpAddress::str() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family_, bytes_.data(), text.data(), text.size());
  return text.data();
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes().begin(), bytes().end(), [](char c) { return c == 0; });
}

bool IpAddress::is_loopback() const {
  static const IpAddress kLoopback6{"::1"};
  return family_ == AF_INET ? bytes_[0] == 127 : *this == kLoopback6;
}

bool IpAddress::is_multicast() const {
  const auto first = static_cast<unsigned char>(bytes_[0]);
  return family_ == AF_INET ? first >= 224 && first < 240 : first == 0xff;
}

bool IpAddress::is_link_local() const {
  static const IpPrefix kLinkLocal4{"169.254.0.0/16"};
  static const IpPrefix kLinkLocal6{"fe80::/10"};
  return (family_ == AF_INET ? kLinkLocal4 : kLinkLocal6).contains(*this);
}

IpPrefix::IpPrefix(const IpAddress& address, int length_bits)
    : address_(address), length_bits_(length_bits) {
  if (length_bits < 0 || length_bits > address.bits()) {
    throw Error::usage(fmt::format("prefix length {} of '{}': use 0 to {}", length_bits,
                                   address.str(), address.bits()));
  }
}

IpPrefix::IpPrefix(std::string_view text)
    : address_(text.substr(0, text.find('/'))), length_bits_(0) {
  const auto slash = text.find('/');
  const auto length =
      slash == std::string_view::npos
          ? std::nullopt
          : parse_number(text.substr(slash + 1), static_cast<std::uint64_t>(address_.bits()));
  if (!length && slash != std::string_view::npos) {
    throw Error::usage(
        fmt::format("'{}': the prefix length is 0 to {}", printable(text), address_.bits()));
  }
  if (!length) {
    throw Error::usage(fmt::format("'{}': write the prefix length too, as in '{}/{}'",
                                   printable(text), address_.str(), address_.bits()));
  }
  length_bits_ = static_cast<int>(*length);
}

IpPrefix IpPrefix::parse_destination(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return IpPrefix{text};
  const IpAddress address{text};
  return {address, address.bits()};
}

std::string IpPrefix::str() const { return fmt::format("{}/{}", address_.str(), length_bits_); }

bool IpPrefix::contains(const IpAddress& address) const {
  if (address.family() != address_.family()) return false;
  const std::string_view mine = address_.bytes();
  const std::string_view theirs = address.bytes();
  const auto whole = static_cast<std::size_t>(length_bits_ / 8);
  if (mine.substr(0, whole) != theirs.substr(0, whole)) return false;
  const int rest = length_bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return ((static_cast<unsigned char>(mine[whole]) ^ static_cast<unsigned char>(theirs[whole])) &
          mask) == 0;
}

IpPrefix IpPrefix::network() const {
  std::string bytes(address_.bytes());
  for (int bit = length_bits_; bit < address_.bits(); ++bit) {
    auto& byte = bytes[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<char>(static_cast<unsigned char>(byte) & ~(0x80U >> (bit % 8)));
  }
  return {IpAddress::from_bytes(bytes), length_bits_};
}

bool IpPrefix::has_host_bits() const { return network() != *this; }

MacAddress::MacAddress(std::string_view text) {
  std::string hex;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 != 2) hex += text[i];
  }
  const auto bytes = from_hex(hex);
  const bool has_colons = text.size() == kMacBytes * 3 - 1 && text[2] == ':' && text[5] == ':' &&
                          text[8] == ':' && text[11] == ':' && text[14] == ':';
  if (!has_colons || !bytes) throw_bad_address(text, "a MAC address like '02:00:00:00:00:01'");
  bytes_ = *bytes;
  const bool is_multicast = (static_cast<unsigned char>(bytes_[0]) & 1U) != 0;
  if (is_multicast || bytes_ == std::string(kMacBytes, '\0')) {
    throw_bad_address(text, "a MAC address that a device can have (it is multicast or zero)");
  }
}

std::string MacAddress::str() const { return format_link_address(bytes_); }

std::string format_link_address(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (!out.empty()) out += ':';
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string parse_pci_address(std::string_view text) {
  // DDDD:BB:DD.F, the name of a folder in /sys/bus/pci/devices; a domain can have more digits.
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto first = lower.find(':');
  const auto is_hex = [](std::string_view part, std::size_t least, std::size_t most) {
    return part.size() >= least && part.size() <= most &&
           part.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  const std::string_view view = lower;
  const bool shaped = first != std::string::npos && is_hex(view.substr(0, first), 4, 8) &&
                      view.size() == first + 8 && is_hex(view.substr(first + 1, 2), 2, 2) &&
                      view[first + 3] == ':' && is_hex(view.substr(first + 4, 2), 2, 2) &&
                      view[first + 6] == '.' && view[first + 7] >= '0' && view[first + 7] <= '7';
  if (!shaped) throw_bad_address(text, "a PCI address like '0000:03:00.1'");
  return lower;
}

}  // namespace netlend
