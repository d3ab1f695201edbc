#pragma once

#include <string>
#include <vector>

#include "net/kernel/message.hpp"
#include "net/kernel/netns.hpp"

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

/// The chains of nftables that drop what is forwarded and no rule of theirs accepts, "chain
/// 'FORWARD' of table 'ip filter'". Those of the older iptables (legacy) can't be listed so.
std::vector<std::string> list_closed_forward_chains(const Netns& netns);

/// Whether these attributes of a chain's or a flowtable's hook name the device. `single`,
/// `several`: the types of the attribute with one name and of that with a list.
bool names_device(const Attributes& hook, int single, int several, const std::string& device);

}  // namespace netlend
