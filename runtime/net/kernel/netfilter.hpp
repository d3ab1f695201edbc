#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/kernel/message.hpp"
#include "net/kernel/netns.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// A chain or flowtable of nftables that names a device. The kernel takes the device out of it as
/// that leaves (6.12; net/netfilter/nft_chain_filter.c, nf_tables_api.c), or goes on with it when
/// one of the name is there again (6.18).
struct NetfilterHook {
  enum class Of { chain, flowtable };
  Of of = Of::chain;
  /// NFPROTO_*.
  std::uint8_t family = 0;
  std::string table;
  std::string name;
  /// Where in the path of a packet, as the kernel says it: raw bytes.
  std::string number;
  std::string priority;
  bool operator==(const NetfilterHook&) const = default;
};

/// `type`: NFT_MSG_*; `family`: NFPROTO_*.
Message nftables_message(int type, std::uint16_t flags, std::uint8_t family, std::string doing);

std::vector<NetfilterHook> list_netfilter_hooks(const Netns& netns, const std::string& device);

/// "chain 'in' of table 'netdev t' of nftables".
std::string describe(const NetfilterHook& hook);

/// Whether there is a chain or flowtable of that name, with whatever devices.
bool is_there(const Netns& netns, const NetfilterHook& hook);

/// Puts the device into the chain or flowtable, whose rules nobody touches; that it is in already
/// is success. One that isn't there would be made: is_there().
void add_to_hook(const Netns& netns, const NetfilterHook& hook, const std::string& device,
                 std::string doing);

/// Whether this kernel leaves a chain without its last device in place: older ones than those that
/// were run could remove it with its rules.
bool keeps_empty_chains();

struct NftChain {
  std::string table;
  std::string name;
  /// NF_INET_*; nothing: it is only called by others.
  std::optional<std::uint32_t> hook;
  /// NF_ACCEPT or NF_DROP, of one with a hook.
  std::optional<std::uint32_t> policy;
};

/// `family`: NFPROTO_*; `socket`: of NETLINK_NETFILTER. Throws Error: is_unknown_to_nftables().
std::vector<NftChain> list_nft_chains(RouteSocket& socket, std::uint8_t family);

/// A kernel without nftables, or without this of it, said so.
bool is_unknown_to_nftables(const Error& error);

/// "inet" for NFPROTO_INET.
std::string_view nft_family_name(std::uint8_t family);

/// Whether these attributes of a chain's or a flowtable's hook name the device. `single`,
/// `several`: the types of the attribute with one name and of that with a list.
bool names_device(const Attributes& hook, int single, int several, const std::string& device);

}  // namespace netlend
