#include "net/policy/policy_pattern.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "base/glob.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr const char* kNames =
    "names have 1 to 15 bytes without '/', ':', '%', blanks and control characters";
constexpr const char* kMacs = "MAC addresses are like '02:00:00:00:00:01'";
constexpr const char* kPcis = "PCI addresses are like '0000:03:00.1'";

using Shapes = std::vector<TextShape>;

ByteSet one(char wanted) {
  return bytes_that([=](char c) { return c == wanted; });
}
ByteSet any_but_nul() { return ~one('\0'); }
ByteSet hex_digits() {
  return bytes_that([](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Between 1 and `max` of these bytes.
TextShape up_to(std::size_t max, const ByteSet& bytes) {
  return {.places = std::vector<ByteSet>(max, bytes), .least_bytes = 1};
}

TextShape shape_of_ids() {
  const auto allowed = bytes_that(ContainerId::is_allowed);
  auto shape = up_to(ContainerId::kLengthMax, allowed);
  shape.places.front() = allowed & ~one('.');
  return shape;
}

/// 'x' for a hex digit, 'o' for an octal one; else the character itself.
TextShape shape_like(std::string_view form) {
  TextShape shape{.places = {}, .least_bytes = form.size()};
  for (const char c : form) {
    shape.places.push_back(c == 'x'   ? hex_digits()
                           : c == 'o' ? bytes_that([](char d) { return d >= '0' && d <= '7'; })
                                      : one(c));
  }
  return shape;
}

Shapes shapes_of_macs() {
  // IPv4 tunnels, Ethernet, IEEE 802.15.4, FireWire and IPv6 tunnels, InfiniBand.
  constexpr std::array<std::size_t, 5> kLengths{4, 6, 8, 16, 20};
  Shapes shapes;
  for (const auto length : kLengths) {
    std::string form = "xx";
    for (std::size_t byte = 1; byte < length; ++byte) form += ":xx";
    shapes.push_back(shape_like(form));
  }
  return shapes;
}

Shapes shapes_of_pcis() {
  Shapes shapes;
  // As parse_pci_address() takes them.
  for (const char* domain : {"xxxx", "xxxxx", "xxxxxx", "xxxxxxx", "xxxxxxxx"}) {
    shapes.push_back(shape_like(std::string(domain) + ":xx:xx.o"));
  }
  return shapes;
}

/// `pattern` is the glob as it was typed.
void check_matches_any(const std::string& pattern, const std::string& glob, const Shapes& shapes,
                       const char* what_there_is) {
  const bool is_possible = std::any_of(shapes.begin(), shapes.end(), [&](const TextShape& shape) {
    return example_of(glob, shape).has_value();
  });
  if (is_possible) return;
  throw Error::usage(fmt::format("nothing can match '{}': {}", printable(pattern), what_there_is));
}

// They are no names for netlend, or of what is in every namespace and never lent.
void check_not_reserved(const std::string& glob) {
  constexpr std::array<std::string_view, 5> kReserved{".", "..", "all", "default", "lo"};
  if (std::find(kReserved.begin(), kReserved.end(), glob) == kReserved.end()) return;
  throw Error::usage(fmt::format("no device that is lent is called '{}'", glob));
}

void check_name(const std::string& pattern, const std::string& glob, std::size_t max,
                const char* what_there_is) {
  check_matches_any(pattern, glob, {up_to(max, bytes_that(is_name_byte))}, what_there_is);
  check_not_reserved(glob);
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// What a pattern is held against.
enum class Of { name_or_altname, name, altname, mac_or_pci, mac, pci, driver };

struct DevicePattern {
  Of of;
  std::string glob;
};

DevicePattern parse_device_pattern(const std::string& pattern) {
  constexpr std::array<std::pair<std::string_view, Of>, 5> kPrefixes{{{"dev:", Of::name},
                                                                      {"alt:", Of::altname},
                                                                      {"mac:", Of::mac},
                                                                      {"pci:", Of::pci},
                                                                      {"driver:", Of::driver}}};
  for (const auto& [prefix, of] : kPrefixes) {
    if (!pattern.starts_with(prefix)) continue;
    auto glob = pattern.substr(prefix.size());
    return {.of = of, .glob = of == Of::mac || of == Of::pci ? lower_case(glob) : glob};
  }
  // 'e*' is for names that begin so, not for the cards of whoever has a MAC address like that.
  if (pattern.find(':') == std::string::npos) return {.of = Of::name_or_altname, .glob = pattern};
  return {.of = Of::mac_or_pci, .glob = lower_case(pattern)};
}

bool matches_altname(const std::string& glob, const LinkState& device) {
  return std::any_of(device.altnames.begin(), device.altnames.end(),
                     [&](const std::string& altname) { return matches_glob(glob, altname); });
}

// The address that it has now could be made anybody's.
bool matches_mac(const std::string& glob, const LinkState& device) {
  const auto& mac = device.permanent_address.empty() ? device.address : device.permanent_address;
  return !mac.empty() && matches_glob(glob, format_link_address(mac));
}

bool matches_pci(const std::string& glob, const LinkState& device) {
  return device.parent_bus == "pci" && matches_glob(glob, device.parent_device);
}
}  // namespace

void check_name_pattern(const std::string& pattern) {
  check_name(pattern, pattern, kInterfaceNameMax, kNames);
}

void check_container_pattern(const std::string& pattern) {
  check_matches_any(pattern, pattern, {shape_of_ids()},
                    "ids of containers have 1 to 128 letters, digits, '_', '+', '-' or '.', and no "
                    "'.' first");
}

void check_path_pattern(const std::string& pattern) {
  // What the pattern matches has as many bytes as the pattern, or there is a shorter one.
  auto shape = up_to(std::max<std::size_t>(pattern.size(), 1), any_but_nul());
  shape.places.front() = one('/');
  check_matches_any(pattern, pattern, {shape}, "a path begins with '/'");
  const std::string closed = pattern + '/';
  for (const char* part : {"//", "/./", "/../"}) {
    if (closed.find(part) == std::string::npos) continue;
    throw Error::usage(
        fmt::format("nothing can match '{}': the path that is looked at has no '.' and '..' in it, "
                    "and no '/' behind another or at its end",
                    printable(pattern)));
  }
}

void check_device_pattern(const std::string& pattern) {
  constexpr std::size_t kDriverMax = 32;  // struct ethtool_drvinfo, linux/ethtool.h
  const auto [of, glob] = parse_device_pattern(pattern);
  const auto both = [] {
    auto shapes = shapes_of_macs();
    for (auto& shape : shapes_of_pcis()) shapes.push_back(std::move(shape));
    return shapes;
  };
  switch (of) {
    case Of::name:
      return check_name(pattern, glob, kInterfaceNameMax, kNames);
    case Of::name_or_altname:
    case Of::altname:
      return check_name(pattern, glob, kAltNameMax,
                        "alternative names have 1 to 127 bytes, names 1 to 15, without '/', ':', "
                        "'%', blanks and control characters");
    case Of::mac:
      return check_matches_any(pattern, glob, shapes_of_macs(), kMacs);
    case Of::pci:
      return check_matches_any(pattern, glob, shapes_of_pcis(), kPcis);
    case Of::mac_or_pci:
      return check_matches_any(pattern, glob, both(),
                               "with a ':' it is for MAC addresses, like '02:00:00:00:00:01', and "
                               "PCI addresses, like '0000:03:00.1', or begins with dev:, alt:, "
                               "mac:, pci: or driver:");
    case Of::driver:
      return check_matches_any(pattern, glob, {up_to(kDriverMax, any_but_nul())},
                               "names of drivers have 1 to 32 bytes");
  }
}

void check_allowed_prefix(const IpPrefix& prefix) {
  // What parse_own_address() refuses.
  static const std::array<IpPrefix, 7> kNeverAsked{
      IpPrefix{"0.0.0.0/32"},       IpPrefix{"127.0.0.0/8"}, IpPrefix{"224.0.0.0/4"},
      IpPrefix{"::/128"},           IpPrefix{"::1/128"},     IpPrefix{"ff00::/8"},
      IpPrefix{"::ffff:0.0.0.0/96"}};
  if (prefix.has_host_bits()) {
    throw Error::usage(
        fmt::format("'{}' has host bits; the prefix is {}", prefix.str(), prefix.network().str()));
  }
  const bool is_never_asked =
      std::any_of(kNeverAsked.begin(), kNeverAsked.end(), [&](const IpPrefix& never) {
        return never.length_bits() <= prefix.length_bits() && never.contains(prefix.address());
      });
  if (!is_never_asked) return;
  throw Error::usage(
      fmt::format("no device can be given an address of '{}': it has loopback, multicast, "
                  "unspecified or IPv4-mapped addresses only",
                  prefix.str()));
}

void check_lendable_prefix(const IpPrefix& prefix) {
  check_allowed_prefix(prefix);
  static const std::array<IpPrefix, 2> kLinkLocal{IpPrefix{"169.254.0.0/16"},
                                                  IpPrefix{"fe80::/10"}};
  for (const auto& never : kLinkLocal) {
    if (never.length_bits() > prefix.length_bits() || !never.contains(prefix.address())) continue;
    throw Error::usage(
        fmt::format("no address of '{}' is ever lent: they are link-local, and "
                    "aren't routed to a container",
                    prefix.str()));
  }
}

std::vector<IpPrefix> sorted_once(std::vector<IpPrefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

bool matches_device(const std::string& pattern, const LinkState& device,
                    const std::string& driver) {
  const auto [of, glob] = parse_device_pattern(pattern);
  switch (of) {
    case Of::name:
      return matches_glob(glob, device.name);
    case Of::altname:
      return matches_altname(glob, device);
    case Of::name_or_altname:
      return matches_glob(glob, device.name) || matches_altname(glob, device);
    case Of::mac:
      return matches_mac(glob, device);
    case Of::pci:
      return matches_pci(glob, device);
    case Of::mac_or_pci:
      return matches_mac(glob, device) || matches_pci(glob, device);
    case Of::driver:
      return !driver.empty() && matches_glob(glob, driver);
  }
  return false;
}

}  // namespace netlend
