#include "net/kernel/netfilter.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

namespace {
constexpr int kDevicePrefix = 2;  // NFTA_DEVICE_PREFIX, Linux 6.17: "eth*"
constexpr int kNone = 0;

Message list_objects(int type, std::uint8_t family, std::string_view what) {
  Message message(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), 0,
                  fmt::format("list the {} of nftables", what));
  nfgenmsg header{};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  message.header(header);
  return message;
}

std::string_view family_name(std::uint8_t family) {
  return family == NFPROTO_NETDEV ? "netdev"
         : family == NFPROTO_INET ? "inet"
         : family == NFPROTO_IPV4 ? "ip"
                                  : "ip6";
}

std::string named(std::string_view what, const Reply& reply, std::string_view name,
                  std::string_view table) {
  return fmt::format("{} '{}' of table '{} {}'", what, printable(name),
                     family_name(reply.header<nfgenmsg>().nfgen_family), printable(table));
}

void find_chains(RouteSocket& socket, std::uint8_t family, const std::string& device,
                 std::vector<std::string>& found) {
  for (const auto& reply : socket.dump(list_objects(NFT_MSG_GETCHAIN, family, "chains"))) {
    const Attributes chain = reply.attributes(sizeof(nfgenmsg));
    if (names_device(chain.nested(NFTA_CHAIN_HOOK), NFTA_HOOK_DEV, NFTA_HOOK_DEVS, device)) {
      found.push_back(
          named("chain", reply, chain.text(NFTA_CHAIN_NAME), chain.text(NFTA_CHAIN_TABLE)));
    }
  }
}

void find_flowtables(RouteSocket& socket, const std::string& device,
                     std::vector<std::string>& found) {
  for (const auto& reply :
       socket.dump(list_objects(NFT_MSG_GETFLOWTABLE, NFPROTO_UNSPEC, "flowtables"))) {
    const Attributes table = reply.attributes(sizeof(nfgenmsg));
    if (names_device(table.nested(NFTA_FLOWTABLE_HOOK), kNone, NFTA_FLOWTABLE_HOOK_DEVS, device)) {
      found.push_back(named("flowtable", reply, table.text(NFTA_FLOWTABLE_NAME),
                            table.text(NFTA_FLOWTABLE_TABLE)));
    }
  }
}

std::optional<std::uint32_t> big_endian(const Attributes& attributes, int type) {
  const auto value = attributes.u32(type);
  return value ? std::optional{ntohl(*value)} : std::nullopt;
}

// A kernel without nftables, or without this of it.
bool is_unknown_to_kernel(const Error& error) {
  return error.errno_value() == EPROTONOSUPPORT || error.errno_value() == EOPNOTSUPP ||
         error.errno_value() == EINVAL;
}
}  // namespace

bool names_device(const Attributes& hook, int single, int several, const std::string& device) {
  if (single != kNone && hook.text(single) == device) return true;
  const Attributes list = hook.nested(several);
  for (const auto& [type, bytes] : list.all()) {
    const std::string_view name = bytes.substr(0, bytes.find('\0'));
    if (type == NFTA_DEVICE_NAME && name == device) return true;
    if (type == kDevicePrefix && device.starts_with(name)) return true;
  }
  return false;
}

std::vector<std::string> list_closed_forward_chains(const Netns& netns) {
  std::vector<std::string> found;
  try {
    RouteSocket socket{netns, NETLINK_NETFILTER};
    for (const std::uint8_t family : {NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6}) {
      for (const auto& reply : socket.dump(list_objects(NFT_MSG_GETCHAIN, family, "chains"))) {
        const Attributes chain = reply.attributes(sizeof(nfgenmsg));
        if (big_endian(chain.nested(NFTA_CHAIN_HOOK), NFTA_HOOK_HOOKNUM) != NF_INET_FORWARD ||
            big_endian(chain, NFTA_CHAIN_POLICY) != NF_DROP) {
          continue;
        }
        found.push_back(
            named("chain", reply, chain.text(NFTA_CHAIN_NAME), chain.text(NFTA_CHAIN_TABLE)));
      }
    }
  } catch (const Error& error) {
    if (!is_unknown_to_kernel(error)) throw;
  }
  return found;
}

std::vector<std::string> list_netfilter_hooks(const Netns& netns, const std::string& device) {
  std::vector<std::string> found;
  try {
    RouteSocket socket{netns, NETLINK_NETFILTER};
    for (const std::uint8_t family : {NFPROTO_NETDEV, NFPROTO_INET}) {
      find_chains(socket, family, device, found);
    }
    find_flowtables(socket, device, found);
  } catch (const Error& error) {
    if (!is_unknown_to_kernel(error)) throw;
  }
  return found;
}

}  // namespace netlend
