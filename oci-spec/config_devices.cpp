#include <fmt/core.h>
#include <sys/stat.h>

#include <limits>

#include "base/text.hpp"
#include "oci-spec/config_parts.hpp"

namespace netlend::oci {

namespace {
constexpr std::int64_t kMaxU32 = std::numeric_limits<std::uint32_t>::max();
constexpr mode_t kPermissions = 07777;
constexpr mode_t kDefaultPermissions = 0666;  // as runc and crun

DeviceRuleType read_rule_type(const JsonNode& rule) {
  const auto node = find_present(rule, "type");
  if (!node) return DeviceRuleType::all;
  const auto text = node->text();
  if (text == "a") return DeviceRuleType::all;
  if (text == "c") return DeviceRuleType::character;
  if (text == "b") return DeviceRuleType::block;
  node->fail(fmt::format("unknown type '{}'; known are 'a', 'b' and 'c'", printable(text)));
}

// Docker writes -1 where the spec has it absent.
std::optional<std::uint32_t> read_number_or_any(const JsonNode& rule, std::string_view key) {
  const auto node = find_present(rule, key);
  const std::int64_t number = node ? node->number(-1, kMaxU32) : -1;
  if (number == -1) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

// The spec says what unset means for type, major and minor ("all"), and is silent here: the same.
unsigned read_access(const JsonNode& rule) {
  const auto node = find_present(rule, "access");
  if (!node) return kDeviceAccessAll;
  const auto text = node->text();
  unsigned access = 0;
  for (const char letter : text) {
    if (letter == 'r') access |= kDeviceRead;
    if (letter == 'w') access |= kDeviceWrite;
    if (letter == 'm') access |= kDeviceMknod;
  }
  if (text.empty() || text.find_first_not_of("rwm") != std::string::npos) {
    node->fail(fmt::format("'{}' is not made of 'r', 'w' and 'm'", printable(text)));
  }
  return access;
}

mode_t read_node_type(const JsonNode& node) {
  const auto text = node.text();
  if (text == "c" || text == "u") return S_IFCHR;
  if (text == "b") return S_IFBLK;
  if (text == "p") return S_IFIFO;
  node.fail(fmt::format("unknown type '{}'; known are 'b', 'c', 'p' and 'u'", printable(text)));
}

std::uint32_t read_u32(const JsonNode& node) {
  return static_cast<std::uint32_t>(node.number(0, kMaxU32));
}

std::uint32_t read_u32_or(const JsonNode& object, std::string_view key, std::uint32_t otherwise) {
  const auto node = find_present(object, key);
  return node ? read_u32(*node) : otherwise;
}

Device read_device(const JsonNode& node) {
  const mode_t type = read_node_type(node.at("type"));
  // Engines copy st_mode, type and all.
  const mode_t permissions = read_u32_or(node, "fileMode", kDefaultPermissions) & kPermissions;
  Device device{.path = read_absolute_path(node.at("path")),
                .mode = type | permissions,
                .uid = read_u32_or(node, "uid", 0),
                .gid = read_u32_or(node, "gid", 0)};
  if (type == S_IFIFO) return device;
  device.major = read_u32(node.at("major"));
  device.minor = read_u32(node.at("minor"));
  return device;
}
}  // namespace

std::vector<DeviceRule> read_device_rules(const JsonNode& resources) {
  std::vector<DeviceRule> rules;
  const auto list = find_present(resources, "devices");
  if (!list) return rules;
  for (const auto& node : list->elements()) {
    rules.push_back({.allow = node.at("allow").boolean(),
                     .type = read_rule_type(node),
                     .major = read_number_or_any(node, "major"),
                     .minor = read_number_or_any(node, "minor"),
                     .access = read_access(node)});
  }
  return rules;
}

std::vector<Device> read_devices(const JsonNode& linux_node) {
  std::vector<Device> devices;
  const auto list = find_present(linux_node, "devices");
  if (!list) return devices;
  for (const auto& node : list->elements()) devices.push_back(read_device(node));
  return devices;
}

}  // namespace netlend::oci
