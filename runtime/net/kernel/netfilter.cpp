#include "net/kernel/netfilter.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/utsname.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

namespace {
constexpr int kDevicePrefix = 2;  // NFTA_DEVICE_PREFIX, Linux 6.17: "eth*"
constexpr int kNone = 0;

struct Kind {
  NetfilterHook::Of of;
  int get_type;
  int change_type;
  std::string_view what;
  int table;
  int name;
  int hook;
  int single_device;
  int devices;
};
constexpr Kind kChain{
    NetfilterHook::Of::chain, NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, "chain",       NFTA_CHAIN_TABLE,
    NFTA_CHAIN_NAME,          NFTA_CHAIN_HOOK,  NFTA_HOOK_DEV,    NFTA_HOOK_DEVS};
constexpr Kind kFlowtable{
    NetfilterHook::Of::flowtable, NFT_MSG_GETFLOWTABLE, NFT_MSG_NEWFLOWTABLE, "flowtable",
    NFTA_FLOWTABLE_TABLE,         NFTA_FLOWTABLE_NAME,  NFTA_FLOWTABLE_HOOK,  kNone,
    NFTA_FLOWTABLE_HOOK_DEVS};
// Of both kinds.
static_assert(int{NFTA_HOOK_HOOKNUM} == int{NFTA_FLOWTABLE_HOOK_NUM} &&
              int{NFTA_HOOK_PRIORITY} == int{NFTA_FLOWTABLE_HOOK_PRIORITY});

Message list_objects(const Kind& kind, std::uint8_t family) {
  return nftables_message(kind.get_type, 0, family,
                          fmt::format("list the {}s of nftables", kind.what));
}

const Kind& kind_of(const NetfilterHook& hook) {
  return hook.of == NetfilterHook::Of::chain ? kChain : kFlowtable;
}

std::vector<NetfilterHook> list_hooks(RouteSocket& socket, const Kind& kind, std::uint8_t family,
                                      const std::string& device) {
  std::vector<NetfilterHook> found;
  for (const auto& reply : socket.dump(list_objects(kind, family))) {
    const Attributes object = reply.attributes(sizeof(nfgenmsg));
    const Attributes hook = object.nested(kind.hook);
    if (!names_device(hook, kind.single_device, kind.devices, device)) continue;
    found.push_back({.of = kind.of,
                     .family = reply.header<nfgenmsg>().nfgen_family,
                     .table = object.text(kind.table),
                     .name = object.text(kind.name),
                     .number = std::string(hook.find(NFTA_HOOK_HOOKNUM).value_or("")),
                     .priority = std::string(hook.find(NFTA_HOOK_PRIORITY).value_or(""))});
  }
  return found;
}

std::optional<std::uint32_t> big_endian(const Attributes& attributes, int type) {
  const auto value = attributes.u32(type);
  return value ? std::optional{ntohl(*value)} : std::nullopt;
}

}  // namespace

bool is_unknown_to_nftables(const Error& error) {
  return error.errno_value() == EPROTONOSUPPORT || error.errno_value() == EOPNOTSUPP ||
         error.errno_value() == EINVAL;
}

std::string_view nft_family_name(std::uint8_t family) {
  return family == NFPROTO_NETDEV ? "netdev"
         : family == NFPROTO_INET ? "inet"
         : family == NFPROTO_IPV4 ? "ip"
                                  : "ip6";
}

Message nftables_message(int type, std::uint16_t flags, std::uint8_t family, std::string doing) {
  Message message(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags,
                  std::move(doing));
  nfgenmsg header{};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  message.header(header);
  return message;
}

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

std::vector<NftChain> list_nft_chains(RouteSocket& socket, std::uint8_t family) {
  std::vector<NftChain> found;
  for (const auto& reply : socket.dump(list_objects(kChain, family))) {
    const Attributes chain = reply.attributes(sizeof(nfgenmsg));
    found.push_back({.table = chain.text(NFTA_CHAIN_TABLE),
                     .name = chain.text(NFTA_CHAIN_NAME),
                     .hook = big_endian(chain.nested(NFTA_CHAIN_HOOK), NFTA_HOOK_HOOKNUM),
                     .policy = big_endian(chain, NFTA_CHAIN_POLICY)});
  }
  return found;
}

std::vector<NetfilterHook> list_netfilter_hooks(const Netns& netns, const std::string& device) {
  std::vector<NetfilterHook> found;
  const auto add = [&](std::vector<NetfilterHook> more) {
    std::move(more.begin(), more.end(), std::back_inserter(found));
  };
  try {
    RouteSocket socket{netns, NETLINK_NETFILTER};
    add(list_hooks(socket, kChain, NFPROTO_NETDEV, device));
    add(list_hooks(socket, kChain, NFPROTO_INET, device));
    add(list_hooks(socket, kFlowtable, NFPROTO_UNSPEC, device));
  } catch (const Error& error) {
    if (!is_unknown_to_nftables(error)) throw;
  }
  return found;
}

std::string describe(const NetfilterHook& hook) {
  return fmt::format("{} '{}' of table '{} {}' of nftables", kind_of(hook).what,
                     printable(hook.name), nft_family_name(hook.family), printable(hook.table));
}

bool is_there(const Netns& netns, const NetfilterHook& hook) {
  const Kind& kind = kind_of(hook);
  Message message = nftables_message(kind.get_type, 0, hook.family, "look up " + describe(hook));
  message.put_string(kind.table, hook.table).put_string(kind.name, hook.name);
  return RouteSocket(netns, NETLINK_NETFILTER).find(message).has_value();
}

void add_to_hook(const Netns& netns, const NetfilterHook& hook, const std::string& device,
                 std::string doing) {
  const Kind& kind = kind_of(hook);
  Message message = nftables_message(kind.change_type, 0, hook.family, std::move(doing));
  message.put_string(kind.table, hook.table).put_string(kind.name, hook.name);
  message.begin(kind.hook)
      .put(NFTA_HOOK_HOOKNUM, hook.number)
      .put(NFTA_HOOK_PRIORITY, hook.priority);
  message.begin(kind.devices).put_string(NFTA_DEVICE_NAME, device).end().end();
  RouteSocket(netns, NETLINK_NETFILTER).call_in_batch(message, NFNL_SUBSYS_NFTABLES);
}

bool keeps_empty_chains() {
  constexpr std::pair<std::uint64_t, std::uint64_t> kOldestSeen{6, 12};
  utsname system{};
  check(::uname(&system), "read the version of", "the kernel");
  const auto parts = split_words(system.release, ".-");
  const auto part = [&](std::size_t index) {
    return index < parts.size() ? parse_number(parts[index], UINT16_MAX).value_or(0) : 0;
  };
  return std::pair{part(0), part(1)} >= kOldestSeen;
}

}  // namespace netlend
