#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/netns.hpp"

/// Rules of nftables (family netdev) for what a device receives or sends, as far as netlend makes
/// such rules. Source: nft(8); net/netfilter/nf_tables_api.c.
namespace netlend {

struct FrameMatch {
  enum class What {
    protocol,     // the Ethernet type, 2 bytes
    packet_type,  // PACKET_BROADCAST, ..., 1 byte
    link,         // bytes from the link header on
    network       // bytes from the IP or ARP header on
  };
  enum class Is { equal, at_least, at_most };
  What what = What::protocol;
  std::string bytes;
  std::uint32_t offset = 0;
  Is is = Is::equal;
};

/// Holds for a frame that all of its matches hold for.
struct FrameRule {
  enum class Then {
    accept,
    /// As if it had been sent to this device's own link address.
    take,
    /// A copy of it goes out by another device.
    copy
  };
  std::vector<FrameMatch> matches;
  Then then = Then::accept;
  IfIndex copy_to;
};

/// A chain of a table, called as its device.
struct FrameChain {
  enum class Hook { ingress, egress };
  std::string table;
  std::string device;
  Hook hook = Hook::ingress;
  /// What no rule accepts is dropped.
  bool drops_rest = false;
  std::vector<FrameRule> rules;
};

/// Makes the chain with all of its rules, and the table where there is none; or nothing. Throws
/// Error (EEXIST: it is there).
void add_frame_chain(const Netns& netns, const FrameChain& chain);

/// What the kernel says against such a chain, which is not made: nothing where it could be. Throws
/// Error where it can't be asked.
std::optional<std::string> why_no_frame_chain(const Netns& netns, const FrameChain& chain);

/// None of that name is success. Throws Error.
void remove_frame_table(const Netns& netns, const std::string& table);

}  // namespace netlend
