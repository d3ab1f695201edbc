#pragma once

#include <string>
#include <vector>

#include "net/kernel/message.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// The chains and flowtables of nftables that name the device, "chain 'in' of table 'netdev t'":
/// the kernel takes it out of them as it leaves (net/netfilter/nft_chain_filter.c), and only from
/// Linux 6.16 on puts it back.
std::vector<std::string> list_netfilter_hooks(const Netns& netns, const std::string& device);

/// The chains of nftables that drop what is forwarded and no rule of theirs accepts, "chain
/// 'FORWARD' of table 'ip filter'". Those of the older iptables (legacy) can't be listed so.
std::vector<std::string> list_closed_forward_chains(const Netns& netns);

/// Whether these attributes of a chain's or a flowtable's hook name the device. `single`,
/// `several`: the types of the attribute with one name and of that with a list.
bool names_device(const Attributes& hook, int single, int several, const std::string& device);

}  // namespace netlend
