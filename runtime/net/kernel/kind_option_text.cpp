#include "net/kernel/kind_option_text.hpp"

#include <fmt/core.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/if_vlan.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "net/kernel/message.hpp"
#include "net/kernel/names.hpp"

namespace netlend {

namespace {
// Newer than Debian 12's headers (include/uapi/linux/if_link.h).
constexpr int kMacvlanBroadcastCutoff = 9;
constexpr int kVxlanLocalBypass = 31;
constexpr int kVxlanLabelPolicy = 32;
constexpr int kNetkitPolicy = 3;
constexpr int kNetkitPeerPolicy = 4;

enum class Form { number, network_number, address, vlan_flags, priorities, link_addresses };

struct NamedOption {
  std::string_view kind;
  int type;
  const char* name;
  Form form = Form::number;
};
// Those that people give, in the words of ip(8).
constexpr std::array kNamed{
    NamedOption{"tun", IFLA_TUN_OWNER, "user"},
    NamedOption{"tun", IFLA_TUN_GROUP, "group"},
    NamedOption{"tun", IFLA_TUN_TYPE, "mode"},
    NamedOption{"tun", IFLA_TUN_PI, "pi"},
    NamedOption{"tun", IFLA_TUN_VNET_HDR, "vnet_hdr"},
    NamedOption{"tun", IFLA_TUN_PERSIST, "persist"},
    NamedOption{"tun", IFLA_TUN_MULTI_QUEUE, "multi_queue"},
    NamedOption{"vlan", IFLA_VLAN_ID, "id"},
    NamedOption{"vlan", IFLA_VLAN_FLAGS, "flags", Form::vlan_flags},
    NamedOption{"vlan", IFLA_VLAN_EGRESS_QOS, "egress-qos-map", Form::priorities},
    NamedOption{"vlan", IFLA_VLAN_INGRESS_QOS, "ingress-qos-map", Form::priorities},
    NamedOption{"macvlan", IFLA_MACVLAN_MODE, "mode"},
    NamedOption{"macvlan", IFLA_MACVLAN_FLAGS, "flags"},
    NamedOption{"macvlan", IFLA_MACVLAN_MACADDR_DATA, "macaddr", Form::link_addresses},
    NamedOption{"macvlan", IFLA_MACVLAN_BC_QUEUE_LEN, "bcqueuelen"},
    NamedOption{"macvlan", kMacvlanBroadcastCutoff, "bclim"},
    NamedOption{"ipvlan", IFLA_IPVLAN_MODE, "mode"},
    NamedOption{"ipvlan", IFLA_IPVLAN_FLAGS, "flags"},
    NamedOption{"netkit", kNetkitPolicy, "policy"},
    NamedOption{"netkit", kNetkitPeerPolicy, "peer policy"},
    NamedOption{"macsec", IFLA_MACSEC_WINDOW, "window"},
    NamedOption{"macsec", IFLA_MACSEC_ENCODING_SA, "encodingsa"},
    NamedOption{"macsec", IFLA_MACSEC_ENCRYPT, "encrypt"},
    NamedOption{"macsec", IFLA_MACSEC_PROTECT, "protect"},
    NamedOption{"macsec", IFLA_MACSEC_INC_SCI, "send_sci"},
    NamedOption{"macsec", IFLA_MACSEC_ES, "end_station"},
    NamedOption{"macsec", IFLA_MACSEC_SCB, "scb"},
    NamedOption{"macsec", IFLA_MACSEC_REPLAY_PROTECT, "replay"},
    NamedOption{"macsec", IFLA_MACSEC_VALIDATION, "validate"},
    NamedOption{"vxlan", IFLA_VXLAN_ID, "id"},
    NamedOption{"vxlan", IFLA_VXLAN_GROUP, "remote", Form::address},
    NamedOption{"vxlan", IFLA_VXLAN_GROUP6, "remote", Form::address},
    NamedOption{"vxlan", IFLA_VXLAN_LINK, "dev"},
    NamedOption{"vxlan", IFLA_VXLAN_LOCAL, "local", Form::address},
    NamedOption{"vxlan", IFLA_VXLAN_LOCAL6, "local", Form::address},
    NamedOption{"vxlan", IFLA_VXLAN_TTL, "ttl"},
    NamedOption{"vxlan", IFLA_VXLAN_TOS, "tos"},
    NamedOption{"vxlan", IFLA_VXLAN_DF, "df"},
    NamedOption{"vxlan", IFLA_VXLAN_LABEL, "flowlabel", Form::network_number},
    NamedOption{"vxlan", kVxlanLabelPolicy, "label_policy"},
    NamedOption{"vxlan", IFLA_VXLAN_LEARNING, "learning"},
    NamedOption{"vxlan", IFLA_VXLAN_AGEING, "ageing"},
    NamedOption{"vxlan", IFLA_VXLAN_PORT, "dstport", Form::network_number},
    NamedOption{"vxlan", kVxlanLocalBypass, "localbypass"},
    NamedOption{"geneve", IFLA_GENEVE_ID, "id"},
    NamedOption{"geneve", IFLA_GENEVE_REMOTE, "remote", Form::address},
    NamedOption{"geneve", IFLA_GENEVE_REMOTE6, "remote", Form::address},
    NamedOption{"geneve", IFLA_GENEVE_TTL, "ttl"},
    NamedOption{"geneve", IFLA_GENEVE_TTL_INHERIT, "ttl inherit"},
    NamedOption{"geneve", IFLA_GENEVE_TOS, "tos"},
    NamedOption{"geneve", IFLA_GENEVE_DF, "df"},
    NamedOption{"geneve", IFLA_GENEVE_LABEL, "flowlabel", Form::network_number},
    NamedOption{"iptun", IFLA_IPTUN_LINK, "dev"},
    NamedOption{"iptun", IFLA_IPTUN_LOCAL, "local", Form::address},
    NamedOption{"iptun", IFLA_IPTUN_REMOTE, "remote", Form::address},
    NamedOption{"iptun", IFLA_IPTUN_TTL, "ttl"},
    NamedOption{"iptun", IFLA_IPTUN_TOS, "tos"},
    NamedOption{"iptun", IFLA_IPTUN_ENCAP_LIMIT, "encaplimit"},
    NamedOption{"iptun", IFLA_IPTUN_FLOWINFO, "flowlabel", Form::network_number},
    NamedOption{"iptun", IFLA_IPTUN_PROTO, "mode"},
    NamedOption{"iptun", IFLA_IPTUN_PMTUDISC, "pmtudisc"},
    NamedOption{"iptun", IFLA_IPTUN_ENCAP_TYPE, "encap"},
    NamedOption{"iptun", IFLA_IPTUN_ENCAP_SPORT, "encap-sport", Form::network_number},
    NamedOption{"iptun", IFLA_IPTUN_ENCAP_DPORT, "encap-dport", Form::network_number},
    NamedOption{"iptun", IFLA_IPTUN_FWMARK, "fwmark"},
    NamedOption{"gre", IFLA_GRE_LINK, "dev"},
    NamedOption{"gre", IFLA_GRE_IFLAGS, "iflags", Form::network_number},
    NamedOption{"gre", IFLA_GRE_OFLAGS, "oflags", Form::network_number},
    NamedOption{"gre", IFLA_GRE_IKEY, "ikey", Form::network_number},
    NamedOption{"gre", IFLA_GRE_OKEY, "okey", Form::network_number},
    NamedOption{"gre", IFLA_GRE_LOCAL, "local", Form::address},
    NamedOption{"gre", IFLA_GRE_REMOTE, "remote", Form::address},
    NamedOption{"gre", IFLA_GRE_TTL, "ttl"},
    NamedOption{"gre", IFLA_GRE_TOS, "tos"},
    NamedOption{"gre", IFLA_GRE_PMTUDISC, "pmtudisc"},
    NamedOption{"gre", IFLA_GRE_ENCAP_LIMIT, "encaplimit"},
    NamedOption{"gre", IFLA_GRE_FLOWINFO, "flowlabel", Form::network_number},
    NamedOption{"gre", IFLA_GRE_ENCAP_TYPE, "encap"},
    NamedOption{"gre", IFLA_GRE_ENCAP_SPORT, "encap-sport", Form::network_number},
    NamedOption{"gre", IFLA_GRE_ENCAP_DPORT, "encap-dport", Form::network_number},
    NamedOption{"gre", IFLA_GRE_IGNORE_DF, "ignore-df"},
    NamedOption{"gre", IFLA_GRE_FWMARK, "fwmark"},
    NamedOption{"gre", IFLA_GRE_ERSPAN_INDEX, "erspan"},
    NamedOption{"gre", IFLA_GRE_ERSPAN_VER, "erspan_ver"},
    NamedOption{"gre", IFLA_GRE_ERSPAN_DIR, "erspan_dir"},
    NamedOption{"gre", IFLA_GRE_ERSPAN_HWID, "erspan_hwid"},
    NamedOption{"vti", IFLA_VTI_LINK, "dev"},
    NamedOption{"vti", IFLA_VTI_IKEY, "ikey", Form::network_number},
    NamedOption{"vti", IFLA_VTI_OKEY, "okey", Form::network_number},
    NamedOption{"vti", IFLA_VTI_LOCAL, "local", Form::address},
    NamedOption{"vti", IFLA_VTI_REMOTE, "remote", Form::address},
    NamedOption{"vti", IFLA_VTI_FWMARK, "fwmark"},
    NamedOption{"xfrm", IFLA_XFRM_LINK, "dev"},
    NamedOption{"xfrm", IFLA_XFRM_IF_ID, "if_id"}};

struct Relative {
  std::string_view kind;
  std::string_view family;
};
constexpr std::array kRelatives{
    Relative{"macvtap", "macvlan"}, Relative{"ipvtap", "ipvlan"}, Relative{"ipip", "iptun"},
    Relative{"sit", "iptun"},       Relative{"ip6tnl", "iptun"},  Relative{"gretap", "gre"},
    Relative{"erspan", "gre"},      Relative{"ip6gre", "gre"},    Relative{"ip6gretap", "gre"},
    Relative{"ip6erspan", "gre"},   Relative{"vti6", "vti"}};

/// What has the same attributes is named but once.
std::string_view family_of(std::string_view kind) {
  const auto* const found =
      std::find_if(kRelatives.begin(), kRelatives.end(),
                   [&](const Relative& relative) { return relative.kind == kind; });
  return found == kRelatives.end() ? kind : found->family;
}

NamedOption named(std::string_view kind, int type) {
  const auto* const found =
      std::find_if(kNamed.begin(), kNamed.end(), [&](const NamedOption& option) {
        return option.type == type && option.kind == family_of(kind);
      });
  return found == kNamed.end() ? NamedOption{kind, type, nullptr} : *found;
}

std::string number_text(std::string_view bytes) {
  std::uint64_t value = 0;
  if (bytes.size() > sizeof value) return to_hex(bytes);
  std::memcpy(&value, bytes.data(), bytes.size());
  return std::to_string(value);
}

std::string vlan_flags_text(std::string_view bytes) {
  constexpr std::array<std::pair<std::uint32_t, std::string_view>, 5> kFlags{
      {{VLAN_FLAG_REORDER_HDR, "reorder_hdr"},
       {VLAN_FLAG_GVRP, "gvrp"},
       {VLAN_FLAG_LOOSE_BINDING, "loose_binding"},
       {VLAN_FLAG_MVRP, "mvrp"},
       {VLAN_FLAG_BRIDGE_BINDING, "bridge_binding"}}};
  ifla_vlan_flags value{};
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  std::string out;
  for (const auto& [flag, name] : kFlags) {
    if ((value.flags & flag) != 0) out.append(out.empty() ? "" : " ").append(name);
  }
  return out;
}

std::string priorities_text(std::string_view bytes) {
  std::string out;
  const Attributes list(bytes);
  for (const auto& each : list.all()) {
    ifla_vlan_qos_mapping mapping{};
    if (each.second.size() < sizeof mapping) continue;
    std::memcpy(&mapping, each.second.data(), sizeof mapping);
    out += fmt::format("{}{}:{}", out.empty() ? "" : " ", mapping.from, mapping.to);
  }
  return out;
}

std::string link_addresses_text(std::string_view bytes) {
  std::string out;
  const Attributes list(bytes);
  for (const auto& each : list.all()) {
    out.append(out.empty() ? "" : " ").append(format_link_address(each.second));
  }
  return out;
}

std::string option_text(Form form, std::optional<std::string_view> bytes) {
  if (!bytes) return "none";
  switch (form) {
    case Form::number:
      return number_text(*bytes);
    case Form::network_number:
      return number_text(std::string(bytes->rbegin(), bytes->rend()));
    case Form::address:
      return IpAddress::from_bytes(*bytes).str();
    case Form::vlan_flags:
      return vlan_flags_text(*bytes);
    case Form::priorities:
      return priorities_text(*bytes);
    case Form::link_addresses:
      return link_addresses_text(*bytes);
  }
  return to_hex(*bytes);
}
}  // namespace

std::vector<std::string> kind_option_differences(std::string_view kind, std::string_view home,
                                                 std::string_view now) {
  const Attributes was(home);
  const Attributes is(now);
  std::set<std::uint16_t> types;
  for (const auto& [type, bytes] : was.all()) types.insert(type);
  for (const auto& [type, bytes] : is.all()) types.insert(type);
  std::vector<std::string> found;
  for (const auto type : types) {
    if (was.find(type) == is.find(type)) continue;
    const NamedOption option = named(kind, type);
    const std::string name =
        option.name != nullptr ? std::string(option.name) : fmt::format("option {}", type);
    found.push_back(fmt::format("{} ({}) is {}, was {} at home", name, kind,
                                option_text(option.form, is.find(type)),
                                option_text(option.form, was.find(type))));
  }
  return found;
}

}  // namespace netlend
