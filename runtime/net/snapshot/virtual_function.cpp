#include "net/snapshot/virtual_function.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/kernel/sysfs.hpp"

namespace netlend {

namespace {
struct Attribute {
  std::uint16_t type;
  std::string_view name;
};
// What do_setvfinfo() writes (net/core/rtnetlink.c). IFLA_VF_VLAN and IFLA_VF_TX_RATE say the
// same again.
constexpr std::array kAttributes{Attribute{IFLA_VF_MAC, "MAC address"},
                                 Attribute{IFLA_VF_VLAN_LIST, "VLANs"},
                                 Attribute{IFLA_VF_RATE, "rate"},
                                 Attribute{IFLA_VF_SPOOFCHK, "spoof check"},
                                 Attribute{IFLA_VF_LINK_STATE, "link state"},
                                 Attribute{IFLA_VF_RSS_QUERY_EN, "RSS query"},
                                 Attribute{IFLA_VF_TRUST, "trust"}};

Message get_with_functions(IfIndex ifindex) {
  Message message(RTM_GETLINK, 0,
                  fmt::format("look up the virtual functions of device {}", ifindex.value));
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = ifindex.value;
  message.header(header);
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
  return message;
}

/// A setting, behind the function's number, that the driver doesn't report.
bool is_unknown(std::string_view bytes) {
  return bytes.size() == 2 * sizeof(std::uint32_t) &&
         bytes.substr(sizeof(std::uint32_t)) == "\xff\xff\xff\xff";
}

std::optional<RawRecord> parse_function(std::string_view bytes) {
  const Attributes attributes(bytes);
  // Each attribute begins with the number of the function.
  const auto number = attributes.u32(IFLA_VF_MAC);
  if (!number) return std::nullopt;
  RawRecord function = make_record(*number, {});
  for (const auto& attribute : kAttributes) {
    const auto value = attributes.find(attribute.type);
    if (value && !is_unknown(*value)) function.attributes.emplace(attribute.type, *value);
  }
  return function;
}

std::uint32_t number_of(const RawRecord& function) { return header_of<std::uint32_t>(function); }

const RawRecord* find_function(const std::vector<RawRecord>& list, std::uint32_t number) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const RawRecord& function) {
    return number_of(function) == number;
  });
  return found == list.end() ? nullptr : &*found;
}

bool has(const RawRecord* function, std::uint16_t type, const std::string& bytes) {
  return function != nullptr && bytes_of(*function, type) == bytes;
}

std::optional<LinkState> find_physical(Site& site, const FunctionBus& bus,
                                       const std::string& parent_device) {
  // No GET asks by parent device.
  for (auto& link : list_links(site.socket)) {
    if (link.parent_bus == bus.name && link.parent_device == parent_device) return std::move(link);
  }
  return std::nullopt;
}

/// Each attribute by itself: a driver that refuses one takes the others.
void restore_function(Restoration& restoration, IfIndex physical, const RawRecord* have,
                      const RawRecord& home) {
  for (const auto& attribute : kAttributes) {
    const auto wanted = home.attributes.find(attribute.type);
    if (wanted == home.attributes.end() || has(have, attribute.type, wanted->second)) continue;
    Message message = change_link(
        physical,
        restoration.doing(fmt::format("the {} of {}", attribute.name, describe_function(home))));
    message.begin(IFLA_VFINFO_LIST).begin(IFLA_VF_INFO).put(attribute.type, wanted->second);
    restoration.call(message.end().end());
  }
}

/// Empty if there is no such symlink.
std::string target_name(const std::string& path) {
  return read_link_name(AT_FDCWD, path).value_or("");
}
}  // namespace

std::vector<RawRecord> list_virtual_functions(RouteSocket& socket, const LinkState& link) {
  std::vector<RawRecord> functions;
  if (link.parent_bus.empty()) return functions;  // Only hardware has them.
  const auto reply = socket.find(get_with_functions(link.ifindex));
  if (!reply) return functions;
  const Attributes list = reply->attributes(sizeof(ifinfomsg)).nested(IFLA_VFINFO_LIST);
  for (const auto& entry : list.all()) {
    if (auto function = parse_function(entry.second)) functions.push_back(*std::move(function));
  }
  return functions;
}

std::optional<FunctionPlace> find_place(const std::string& devices,
                                        const std::string& parent_device) {
  constexpr std::uint32_t kFunctionsMax = 65536;
  const std::string folder = devices + "/" + parent_device;
  const std::string physical = target_name(folder + "/physfn");
  if (physical.empty()) return std::nullopt;
  for (std::uint32_t number = 0; number < kFunctionsMax; ++number) {
    const auto name = target_name(fmt::format("{}/physfn/virtfn{}", folder, number));
    if (name.empty()) break;
    if (name == parent_device) return FunctionPlace{.physical = physical, .number = number};
  }
  return std::nullopt;
}

std::optional<OwnFunction> find_own_function(Site& site, const LinkState& link,
                                             const FunctionBus& bus) {
  if (link.parent_bus != bus.name) return std::nullopt;
  const auto place = find_place(bus.devices, link.parent_device);
  if (!place) return std::nullopt;
  const auto physical = find_physical(site, bus, place->physical);
  if (!physical) return std::nullopt;
  const auto functions = list_virtual_functions(site.socket, *physical);
  const RawRecord* function = find_function(functions, place->number);
  if (function == nullptr) return std::nullopt;
  return OwnFunction{.physical = place->physical, .function = *function};
}

std::string describe_function(const RawRecord& function) {
  return fmt::format("virtual function {}", number_of(function));
}

std::vector<std::string> function_differences(const std::vector<RawRecord>& home,
                                              const std::vector<RawRecord>& now) {
  std::vector<std::string> found;
  for (const auto& function : home) {
    const RawRecord* have = find_function(now, number_of(function));
    if (have == nullptr) {
      found.push_back(describe_function(function) + " is missing");
      continue;
    }
    for (const auto& attribute : kAttributes) {
      const auto wanted = function.attributes.find(attribute.type);
      if (wanted == function.attributes.end() || has(have, attribute.type, wanted->second))
        continue;
      found.push_back(fmt::format("the {} of {} is {}, was {} at home", attribute.name,
                                  describe_function(function),
                                  to_hex(bytes_of(*have, attribute.type)), to_hex(wanted->second)));
    }
  }
  return found;
}

void restore_virtual_functions(Restoration& restoration, const LinkState& now,
                               const std::vector<RawRecord>& home) {
  if (home.empty()) return;
  attempt(restoration.failures, [&] {
    const auto have = list_virtual_functions(restoration.site.socket, now);
    for (const auto& function : home) {
      const RawRecord* same = find_function(have, number_of(function));
      if (same != nullptr) restore_function(restoration, restoration.ifindex, same, function);
    }
  });
}

void restore_own_function(Restoration& restoration, const OwnFunction& home,
                          const FunctionBus& bus) {
  attempt(restoration.failures, [&] {
    const auto physical = find_physical(restoration.site, bus, home.physical);
    if (!physical) {
      throw Error(fmt::format("{}: its physical function {} is not at home",
                              restoration.doing("what only its physical function can set"),
                              printable(home.physical)),
                  ENODEV);
    }
    const auto functions = list_virtual_functions(restoration.site.socket, *physical);
    const RawRecord* have = find_function(functions, number_of(home.function));
    restore_function(restoration, physical->ifindex, have, home.function);
  });
}

}  // namespace netlend
