#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/names.hpp"
#include "net/kernel/netns.hpp"

/// What the firewalls of a namespace do with what is forwarded, as far as their rules say it of a
/// device or an address.
namespace netlend {

/// Of the first packets of a connection; what isn't in here, such as its ports, is unknown.
struct ForwardedPacket {
  struct Device {
    std::string name;
    /// 0: it isn't there yet, so that no rule says its number.
    IfIndex index = {};
    std::uint32_t group = 0;
  };
  Device from_device;
  Device to_device;
  /// The address that is known, which is its source or its destination.
  IpAddress address;
  enum class Is { source, destination } is = Is::source;
  /// The name of the one of these that whoever writes a rule for this packet names.
  std::string own_device;
  enum class State { first, answer } state = State::first;
};

struct FirewallCondition {
  enum class Of {
    from_device,
    to_device,
    from_index,
    to_index,
    from_group,
    to_group,
    family,
    /// The type that Ethernet gives it.
    protocol,
    /// Bytes of the IP header, from `offset` on.
    header,
    /// Of its connection: NF_CT_STATE_BIT, IPS_*, four bytes of the machine's own order.
    state,
    status,
    /// Nothing that is known.
    other
  };
  /// One value; or, with an end, all from the one to before the other.
  struct Values {
    std::string first;
    std::optional<std::string> end = {};
  };
  Of of = Of::other;
  std::uint32_t offset = 0;
  /// What of it is looked at; empty: all.
  std::string mask = {};
  /// Raw bytes; of a device's name, as far as it is compared.
  std::vector<Values> any_of = {};
  bool is_inverted = false;
};

struct FirewallRule {
  enum class Then { go_on, accept, drop, jump, go_to, leave, unknown };
  std::vector<FirewallCondition> conditions;
  Then then = Then::go_on;
  /// Of jump and go_to.
  std::string chain;
};

/// The chains that a packet can pass together.
struct Firewall {
  struct Chain {
    std::vector<FirewallRule> rules;
    bool drops_rest = false;
  };
  struct Entry {
    std::string chain;
    /// "chain 'FORWARD' of table 'ip filter' of nftables".
    std::string title;
    /// What root types to let pass all that goes through devices whose names begin with `nl-`.
    std::string way_to_open;
  };
  std::map<std::string, Chain> chains;
  /// Where forwarded packets of `families` enter.
  std::vector<Entry> forward;
  std::vector<int> families;
};

/// Whether one like this gets through from that chain on. What a condition says of something
/// unknown is taken to be about others, but where the rule, or one that leads to it, names the
/// address or the packet's own device: then it is enough that it lets pass some.
bool passes(const Firewall& firewall, const std::string& chain, const ForwardedPacket& packet);

/// Those of nftables, iptables-nft among them, and of the older iptables. Throws Error.
std::vector<Firewall> list_forward_firewalls(const Netns& netns);

std::vector<Firewall> list_nft_firewalls(const Netns& netns);
std::vector<Firewall> list_legacy_firewalls(const Netns& netns);

/// What iptables' `-m conntrack` asks, from its struct xt_conntrack_mtinfo3.
FirewallCondition conntrack_condition(std::string_view info);
/// What becomes of a packet by a target of iptables that is no chain.
FirewallRule::Then then_of_target(std::string_view name);

}  // namespace netlend
