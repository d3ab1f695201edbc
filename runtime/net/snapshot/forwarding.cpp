#include "net/snapshot/forwarding.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/snapshot/bridge_port.hpp"
#include "net/snapshot/deadline.hpp"

namespace netlend {

namespace {
constexpr std::size_t kGroupsFileMax = std::size_t{64} * 1024 * 1024;
constexpr std::size_t kEthernetBytes = 6;
constexpr std::uint16_t kDeadline = NDA_CACHEINFO;
constexpr std::uint32_t kExtLocked = 1 << 1;  // NTF_EXT_LOCKED, newer than Debian 12's headers.

bool is_kept(std::uint16_t type) {
  return type != NDA_MASTER && type != NDA_CACHEINFO && type != NDA_PROBES &&
         type != NDA_FDB_EXT_ATTRS && type != NDA_FLAGS_EXT && type != NDA_LINK_NETNSID;
}

bool is_multicast(std::string_view address) { return !address.empty() && (address[0] & 1) != 0; }

bool is_own(const RawRecord& entry) { return (header_of<ndmsg>(entry).ndm_flags & NTF_SELF) != 0; }

/// How long an entry that ages lives in a bridge or vxlan, and whether that makes such by itself:
/// then it can't be told which somebody has made.
struct Ageing {
  std::int64_t lifetime_ms = 0;
  bool is_learning = true;
};
struct Lifetimes {
  Ageing master;
  Ageing self;
};

Lifetimes lifetimes_of(RouteSocket& socket, const LinkState& link) {
  Lifetimes found;
  if (link.master && link.master->kind == "bridge") {
    const LinkState bridge = read_link(socket, link.master->ifindex);
    const Attributes options(bridge.kind_data);
    found.master = {.lifetime_ms = ms_of_ticks(options.u32(IFLA_BR_AGEING_TIME).value_or(0)),
                    .is_learning = is_learning(link)};
  }
  if (const Attributes own(link.kind_data);
      link.kind == "vxlan" && own.u8(IFLA_VXLAN_LEARNING).value_or(1) == 0) {
    constexpr std::int64_t kMsPerSecond = 1000;
    found.self = {.lifetime_ms = own.u32(IFLA_VXLAN_AGEING).value_or(0) * kMsPerSecond,
                  .is_learning = false};
  }
  return found;
}

enum class Origin { learned, entered, entered_for_a_time };

/// The kernel doesn't tell who made an entry, but what only a hand makes.
Origin origin_of(const ndmsg& header, const Attributes& attributes, const Ageing& ageing) {
  if ((attributes.u32(NDA_FLAGS_EXT).value_or(0) & kExtLocked) != 0) return Origin::learned;
  if ((header.ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0) return Origin::entered;
  if ((header.ndm_flags & NTF_EXT_LEARNED) != 0) return Origin::entered;
  if ((header.ndm_state & NUD_REACHABLE) == 0) return Origin::learned;
  // None that is learned is sticky.
  if (ageing.is_learning && (header.ndm_flags & NTF_STICKY) == 0) return Origin::learned;
  return ageing.lifetime_ms == 0 ? Origin::entered : Origin::entered_for_a_time;
}

std::int64_t age_ms(const Attributes& attributes) {
  nda_cacheinfo info{};
  const auto bytes = attributes.find(NDA_CACHEINFO).value_or("");
  if (bytes.size() >= sizeof info) std::memcpy(&info, bytes.data(), sizeof info);
  return ms_of_ticks(info.ndm_updated);
}

std::optional<RawRecord> parse_entry(const Reply& reply, const LinkState& link,
                                     const Lifetimes& lifetimes) {
  auto header = reply.header<ndmsg>();
  if (header.ndm_ifindex != link.ifindex.value) return std::nullopt;
  const Attributes attributes = reply.attributes(sizeof header);
  const bool is_self = (header.ndm_flags & NTF_SELF) != 0;
  const Ageing& ageing = is_self ? lifetimes.self : lifetimes.master;
  const Origin origin = origin_of(header, attributes, ageing);
  if (origin == Origin::learned) return std::nullopt;
  // The kernel makes those of the port's own address.
  if (!is_self && attributes.find(NDA_LLADDR) == link.address) return std::nullopt;
  header.ndm_ifindex = 0;
  header.ndm_flags &= static_cast<std::uint8_t>(~NTF_OFFLOADED);
  if (!is_self) header.ndm_flags |= NTF_MASTER;
  RawAttributes kept;
  for (const auto& [type, bytes] : attributes.all()) {
    if (is_kept(type)) kept.emplace(type, bytes);
  }
  auto entry = make_record(header, std::move(kept));
  if (origin == Origin::entered_for_a_time) {
    keep_deadline(entry, kDeadline, ageing.lifetime_ms - age_ms(attributes));
  }
  return entry;
}

std::vector<RawRecord> list_entries(RouteSocket& socket, const LinkState& link) {
  Message message(RTM_GETNEIGH, 0,
                  fmt::format("list the forwarding entries of device {}", link.ifindex.value));
  ndmsg header{};
  header.ndm_family = AF_BRIDGE;
  header.ndm_ifindex = link.ifindex.value;
  message.header(header);
  const Lifetimes lifetimes = lifetimes_of(socket, link);
  std::vector<RawRecord> entries;
  for (const auto& reply : socket.dump(message)) {
    if (auto entry = parse_entry(reply, link, lifetimes)) entries.push_back(*std::move(entry));
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// All hosts, all nodes, all routers, and the address of a solicited node: IP joins them by itself.
bool is_usual_group(std::string_view address) {
  constexpr std::array<std::string_view, 3> kUsual{{{"\x01\x00\x5e\x00\x00\x01", 6},
                                                    {"\x33\x33\x00\x00\x00\x01", 6},
                                                    {"\x33\x33\x00\x00\x00\x02", 6}}};
  return std::find(kUsual.begin(), kUsual.end(), address) != kUsual.end() ||
         address.starts_with("\x33\x33\xff");
}

/// A line: index, name, users, users of the other kind ("1": entered by hand), address in hex.
std::optional<std::string> parse_group(std::string_view line, IfIndex ifindex) {
  const auto words = split_words(line, " ");
  constexpr std::size_t kWords = 5;
  if (words.size() != kWords || words[0] != std::to_string(ifindex.value) || words[3] == "0") {
    return std::nullopt;
  }
  return from_hex(words[4]);
}

/// The kernel has no filter for this: all groups of all devices.
std::vector<std::string> list_groups(const Netns& netns, IfIndex ifindex) {
  std::string text;
  run_in_netns(netns, [&] {
    text = read_file(AT_FDCWD, "/proc/thread-self/net/dev_mcast", kGroupsFileMax);
  });
  std::vector<std::string> groups;
  for (const auto line : split_words(text, "\n")) {
    if (auto group = parse_group(line, ifindex)) groups.push_back(*std::move(group));
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

/// For an address that is no single host's a vxlan has several entries, and takes each as one more
/// (drivers/net/vxlan/vxlan_core.c, vxlan_fdb_update_existing).
bool is_one_of_several(const RawRecord& entry) {
  const auto address = bytes_of(entry, NDA_LLADDR);
  return is_own(entry) &&
         (is_multicast(address) || address.find_first_not_of('\0') == std::string_view::npos);
}

Message add_entry(IfIndex ifindex, const RawRecord& entry, std::string doing) {
  const int how = is_one_of_several(entry) ? NLM_F_APPEND : NLM_F_REPLACE;
  Message message(RTM_NEWNEIGH, static_cast<std::uint16_t>(NLM_F_CREATE | how), std::move(doing));
  auto header = header_of<ndmsg>(entry);
  header.ndm_ifindex = ifindex.value;
  message.header(header);
  for (const auto& [type, bytes] : entry.attributes) {
    if (type != kDeadline) message.put(type, bytes);
  }
  return message;
}

/// All of this address, whatever they point at: what one of them names may not be known here.
Message remove_entries(IfIndex ifindex, const RawRecord& entry, std::string doing) {
  Message message(RTM_DELNEIGH, 0, std::move(doing));
  ndmsg header{};
  header.ndm_family = AF_BRIDGE;
  header.ndm_ifindex = ifindex.value;
  header.ndm_flags = NTF_SELF;
  message.header(header).put(NDA_LLADDR, bytes_of(entry, NDA_LLADDR));
  if (const auto vni = bytes_of(entry, NDA_SRC_VNI); !vni.empty()) message.put(NDA_SRC_VNI, vni);
  return message;
}

bool is_missing(const std::vector<RawRecord>& entries, const RawRecord& wanted) {
  return is_missing(entries, wanted, kDeadline);
}

bool is_missing(const std::vector<std::string>& groups, const std::string& wanted) {
  return std::find(groups.begin(), groups.end(), wanted) == groups.end();
}

/// By ioctl: netlink refuses an address that IP listens to already, and this counts it twice.
/// Source: net/core/dev_ioctl.c, SIOCADDMULTI.
void add_group(Restoration& restoration, const std::string& group) {
  const std::string doing = restoration.doing("multicast address " + format_link_address(group));
  attempt(restoration.failures, [&] {
    ifreq request{};
    if (group.size() > kEthernetBytes) throw Error(doing + ": no Ethernet address");
    restoration.name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_hwaddr.sa_family = AF_UNSPEC;
    std::memcpy(request.ifr_hwaddr.sa_data, group.data(), group.size());
    if (restoration.on_step) restoration.on_step(doing);
    run_in_netns(restoration.site.netns, [&] {
      const UniqueFd socket{
          check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open", "socket")};
      check(::ioctl(socket.get(), SIOCADDMULTI, &request), "add", doing);
    });
  });
}
}  // namespace

Forwarding observe_forwarding(Site& site, const LinkState& link) {
  Forwarding found;
  bool has_unusual_group = false;
  for (auto& entry : list_entries(site.socket, link)) {
    const auto address = bytes_of(entry, NDA_LLADDR);
    // Those of a vxlan point somewhere.
    if (is_own(entry) && is_multicast(address) && link.kind != "vxlan") {
      has_unusual_group = has_unusual_group || !is_usual_group(address);
    } else {
      found.entries.push_back(std::move(entry));
    }
  }
  if (has_unusual_group) found.groups = list_groups(site.netns, link.ifindex);
  return found;
}

std::string describe_entry(const RawRecord& entry) {
  const auto header = header_of<ndmsg>(entry);
  std::string out = format_link_address(bytes_of(entry, NDA_LLADDR));
  if (const auto vlan = number_of<std::uint16_t>(entry, NDA_VLAN); vlan != 0) {
    out += fmt::format(" vlan {}", vlan);
  }
  if (const auto address = bytes_of(entry, NDA_DST); !address.empty()) {
    out += " dst " + IpAddress::from_bytes(address).str();
  }
  if (const auto port = number_of<std::uint16_t>(entry, NDA_PORT); port != 0) {
    out += fmt::format(" port {}", ntohs(port));
  }
  if (const auto vni = number_of<std::uint32_t>(entry, NDA_VNI); vni != 0) {
    out += fmt::format(" vni {}", vni);
  }
  if (const auto vni = number_of<std::uint32_t>(entry, NDA_SRC_VNI); vni != 0) {
    out += fmt::format(" src_vni {}", vni);
  }
  if (const auto device = number_of<std::uint32_t>(entry, NDA_IFINDEX); device != 0) {
    out += fmt::format(" via {}", device);
  }
  out += (header.ndm_flags & NTF_SELF) != 0 ? " self" : " master";
  if ((header.ndm_flags & NTF_EXT_LEARNED) != 0) out += " extern_learn";
  out += (header.ndm_state & NUD_PERMANENT) != 0 ? " permanent"
         : (header.ndm_state & NUD_NOARP) != 0   ? " static"
                                                 : " dynamic";
  if ((header.ndm_flags & NTF_STICKY) != 0) out += " sticky";
  return out;
}

std::vector<std::string> forwarding_differences(const Forwarding& home, const Forwarding& now) {
  std::vector<std::string> found;
  for (const auto& entry : home.entries) {
    if (!is_missing(now.entries, entry)) continue;
    found.push_back(fmt::format("forwarding entry '{}' is missing", describe_entry(entry)));
  }
  for (const auto& group : home.groups) {
    if (!is_missing(now.groups, group)) continue;
    found.push_back(fmt::format("multicast address '{}' is missing", format_link_address(group)));
  }
  return found;
}

void remove_foreign_entries(Restoration& restoration, const LinkState& now,
                            const Forwarding& home) {
  if (now.kind != "vxlan" || now.is_up()) return;
  std::set<std::pair<std::string_view, std::string_view>> removed;
  const auto have = list_entries(restoration.site.socket, now);
  for (const auto& entry : have) {
    if (!is_missing(home.entries, entry)) continue;
    if (!removed.emplace(bytes_of(entry, NDA_LLADDR), bytes_of(entry, NDA_SRC_VNI)).second)
      continue;
    restoration.call(
        remove_entries(restoration.ifindex, entry,
                       restoration.doing("the forwarding entries of " +
                                         format_link_address(bytes_of(entry, NDA_LLADDR)))));
  }
}

void restore_forwarding(Restoration& restoration, const LinkState& now, const Forwarding& home) {
  if (home.entries.empty() && home.groups.empty()) return;
  attempt(restoration.failures, [&] {
    const Forwarding have = observe_forwarding(restoration.site, now);
    for (const auto& entry : home.entries) {
      if (!is_missing(have.entries, entry)) continue;
      // A bridge takes what ages only for a port that forwards (net/bridge/br_fdb.c).
      if (!is_own(entry) && entry.attributes.count(kDeadline) > 0) await_forwarding(restoration);
      restoration.call(add_entry(restoration.ifindex, entry,
                                 restoration.doing("forwarding entry " + describe_entry(entry))));
    }
    for (const auto& group : home.groups) {
      if (is_missing(have.groups, group)) add_group(restoration, group);
    }
  });
}

}  // namespace netlend
