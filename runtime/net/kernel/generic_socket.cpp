#include "net/kernel/generic_socket.hpp"

#include <fmt/core.h>
#include <linux/genetlink.h>

#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
constexpr std::uint8_t kVersion = 1;

Message make_request(std::uint16_t family, std::uint8_t command, std::string doing) {
  Message message(family, 0, std::move(doing));
  message.header(genlmsghdr{.cmd = command, .version = kVersion, .reserved = 0});
  return message;
}

std::optional<std::uint16_t> find_family(RouteSocket& socket, const std::string& family) {
  Message message = make_request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
                                 fmt::format("look up the netlink family '{}'", family));
  message.put_string(CTRL_ATTR_FAMILY_NAME, family);
  const auto reply = socket.find(message);
  if (!reply) return std::nullopt;
  const Attributes attributes = reply->attributes(sizeof(genlmsghdr));
  const auto bytes = attributes.find(CTRL_ATTR_FAMILY_ID);
  std::uint16_t id = 0;
  if (!bytes || bytes->size() < sizeof id) return std::nullopt;
  std::memcpy(&id, bytes->data(), sizeof id);
  return id;
}
}  // namespace

std::optional<GenericSocket> GenericSocket::open(const Netns& netns, const std::string& family) {
  RouteSocket socket(netns, NETLINK_GENERIC);
  const auto id = find_family(socket, family);
  if (!id) return std::nullopt;
  return GenericSocket(std::move(socket), *id);
}

Message GenericSocket::request(std::uint8_t command, std::string doing) const {
  return make_request(family_, command, std::move(doing));
}

}  // namespace netlend
