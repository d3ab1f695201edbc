#include "net/kernel/wireless.hpp"

#include <fmt/core.h>
#include <linux/genetlink.h>
#include <linux/nl80211.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
constexpr std::array kSettings{NL80211_ATTR_WIPHY_RETRY_SHORT, NL80211_ATTR_WIPHY_RETRY_LONG,
                               NL80211_ATTR_WIPHY_FRAG_THRESHOLD, NL80211_ATTR_WIPHY_RTS_THRESHOLD,
                               NL80211_ATTR_WIPHY_COVERAGE_CLASS};

Attributes attributes_of(const Reply& reply) { return reply.attributes(sizeof(genlmsghdr)); }

std::uint64_t u64(const Attributes& attributes, int type) {
  std::uint64_t value = 0;
  const auto bytes = attributes.find(type).value_or("");
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Message about_device(const GenericSocket& socket, std::uint8_t command, IfIndex ifindex,
                     std::string doing) {
  Message message = socket.request(command, std::move(doing));
  message.put_u32(NL80211_ATTR_IFINDEX, static_cast<std::uint32_t>(ifindex.value));
  return message;
}

Message about_phy(const GenericSocket& socket, std::uint8_t command, std::uint32_t index,
                  std::string doing) {
  Message message = socket.request(command, std::move(doing));
  message.put_u32(NL80211_ATTR_WIPHY, index);
  return message;
}

bool takes_command(const Attributes& phy, std::uint32_t command) {
  const Attributes commands = phy.nested(NL80211_ATTR_SUPPORTED_COMMANDS);
  return std::any_of(commands.all().begin(), commands.all().end(), [&](const auto& each) {
    std::uint32_t value = 0;
    if (each.second.size() >= sizeof value) std::memcpy(&value, each.second.data(), sizeof value);
    return value == command;
  });
}
}  // namespace

std::optional<GenericSocket> open_wireless(const Netns& netns) {
  return GenericSocket::open(netns, NL80211_GENL_NAME);
}

std::optional<std::uint32_t> find_phy_of(GenericSocket& socket, IfIndex ifindex) {
  try {
    const auto reply =
        socket.find(about_device(socket, NL80211_CMD_GET_INTERFACE, ifindex,
                                 fmt::format("look up the phy of device {}", ifindex.value)));
    if (!reply) return std::nullopt;
    return attributes_of(*reply).u32(NL80211_ATTR_WIPHY);
  } catch (const Error& error) {
    if (error.errno_value() == EINVAL) return std::nullopt;
    throw;
  }
}

std::optional<Phy> find_phy(GenericSocket& socket, std::uint32_t index) {
  const auto reply = socket.find(
      about_phy(socket, NL80211_CMD_GET_WIPHY, index, fmt::format("look up phy {}", index)));
  if (!reply) return std::nullopt;
  const Attributes attributes = attributes_of(*reply);
  Phy phy{.index = index,
          .name = attributes.text(NL80211_ATTR_WIPHY_NAME),
          .can_move = takes_command(attributes, NL80211_CMD_SET_WIPHY_NETNS),
          .settings = {}};
  for (const int type : kSettings) {
    const auto bytes = attributes.find(type);
    if (bytes) phy.settings.emplace(static_cast<std::uint16_t>(type), *bytes);
  }
  return phy;
}

std::vector<PhyInterface> list_phy_interfaces(GenericSocket& socket, std::uint32_t index) {
  std::vector<PhyInterface> found;
  const Message message = about_phy(socket, NL80211_CMD_GET_INTERFACE, index,
                                    fmt::format("list the interfaces of phy {}", index));
  for (const auto& reply : socket.dump(message)) {
    const Attributes attributes = attributes_of(reply);
    if (attributes.u32(NL80211_ATTR_WIPHY) != index) continue;
    PhyInterface interface {
      .id = u64(attributes, NL80211_ATTR_WDEV), .ifindex = {},
      .name = attributes.text(NL80211_ATTR_IFNAME),
      .type = attributes.u32(NL80211_ATTR_IFTYPE).value_or(0)
    };
    if (const auto ifindex = attributes.u32(NL80211_ATTR_IFINDEX)) {
      interface.ifindex = IfIndex{static_cast<int>(*ifindex)};
    }
    found.push_back(std::move(interface));
  }
  return found;
}

std::optional<std::uint32_t> find_power_save(GenericSocket& socket, IfIndex ifindex) {
  try {
    const auto reply =
        socket.find(about_device(socket, NL80211_CMD_GET_POWER_SAVE, ifindex,
                                 fmt::format("read the power saving of {}", ifindex.value)));
    if (!reply) return std::nullopt;
    return attributes_of(*reply).u32(NL80211_ATTR_PS_STATE);
  } catch (const Error& error) {
    if (error.errno_value() == EOPNOTSUPP) return std::nullopt;
    throw;
  }
}

Message move_phy(const GenericSocket& socket, std::uint32_t index, int netns_fd,
                 std::string doing) {
  return std::move(about_phy(socket, NL80211_CMD_SET_WIPHY_NETNS, index, std::move(doing))
                       .put_u32(NL80211_ATTR_NETNS_FD, static_cast<std::uint32_t>(netns_fd)));
}

Message change_phy(const GenericSocket& socket, std::uint32_t index, std::string doing) {
  return about_phy(socket, NL80211_CMD_SET_WIPHY, index, std::move(doing));
}

Message set_interface_type(const GenericSocket& socket, IfIndex ifindex, std::uint32_t type,
                           std::string doing) {
  return std::move(about_device(socket, NL80211_CMD_SET_INTERFACE, ifindex, std::move(doing))
                       .put_u32(NL80211_ATTR_IFTYPE, type));
}

Message set_power_save(const GenericSocket& socket, IfIndex ifindex, std::uint32_t state,
                       std::string doing) {
  return std::move(about_device(socket, NL80211_CMD_SET_POWER_SAVE, ifindex, std::move(doing))
                       .put_u32(NL80211_ATTR_PS_STATE, state));
}

Message add_interface(const GenericSocket& socket, std::uint32_t phy, const PhyInterface& wanted,
                      std::string doing) {
  return std::move(about_phy(socket, NL80211_CMD_NEW_INTERFACE, phy, std::move(doing))
                       .put_string(NL80211_ATTR_IFNAME, wanted.name)
                       .put_u32(NL80211_ATTR_IFTYPE, wanted.type));
}

Message remove_interface(const GenericSocket& socket, std::uint64_t id, std::string doing) {
  Message message = socket.request(NL80211_CMD_DEL_INTERFACE, std::move(doing));
  message.put(NL80211_ATTR_WDEV, {reinterpret_cast<const char*>(&id), sizeof id});
  return message;
}

std::string interface_type_name(std::uint32_t type) {
  switch (type) {
    case NL80211_IFTYPE_STATION:
      return "managed";
    case NL80211_IFTYPE_AP:
      return "AP";
    case NL80211_IFTYPE_ADHOC:
      return "IBSS";
    case NL80211_IFTYPE_MONITOR:
      return "monitor";
    case NL80211_IFTYPE_MESH_POINT:
      return "mesh point";
    default:
      return fmt::format("type {}", type);
  }
}

}  // namespace netlend
