#include "net/kernel/neighbour.hpp"

#include <fmt/core.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
bool is_kept(std::uint16_t attribute) {
  return attribute != NDA_CACHEINFO && attribute != NDA_PROBES && attribute != NDA_IFINDEX;
}

std::vector<Reply> dump_neighbours(RouteSocket& socket, IfIndex ifindex, const ndmsg& header) {
  Message message(RTM_GETNEIGH, 0, fmt::format("list the neighbours of device {}", ifindex.value));
  message.header(header);
  message.put_u32(NDA_IFINDEX, static_cast<std::uint32_t>(ifindex.value));
  return socket.dump(message);
}

/// Multicast, broadcast and own addresses the kernel enters by itself as NUD_NOARP, and on devices
/// without such addresses all (net/ipv4/arp.c, arp_constructor; net/ipv6/ndisc.c).
bool is_of_kernel(const Attributes& attributes, const LinkState& link) {
  const std::string_view address = attributes.find(NDA_LLADDR).value_or("");
  const bool is_unset = address.find_first_not_of('\0') == std::string_view::npos;
  return is_unset || (address.front() & 1) != 0 || address == link.address ||
         address == link.broadcast;
}

/// How it was entered, as NUD_*; nothing: it was learned.
std::optional<std::uint16_t> entered_state(const ndmsg& header, const Attributes& attributes,
                                           const LinkState& link) {
  if ((header.ndm_flags & NTF_PROXY) != 0) return std::uint16_t{NUD_NONE};
  if ((header.ndm_state & NUD_PERMANENT) != 0) return std::uint16_t{NUD_PERMANENT};
  if ((attributes.u32(NDA_FLAGS_EXT).value_or(0) & NTF_EXT_MANAGED) != 0) {
    return std::uint16_t{NUD_NONE};
  }
  if ((header.ndm_state & NUD_NOARP) != 0 && !is_of_kernel(attributes, link)) {
    return std::uint16_t{NUD_NOARP};
  }
  if ((header.ndm_flags & NTF_EXT_LEARNED) != 0 && attributes.find(NDA_LLADDR)) {
    return std::uint16_t{NUD_REACHABLE};
  }
  return std::nullopt;
}

std::optional<NeighbourRecord> parse_neighbour(const Reply& reply, const LinkState& link) {
  const auto header = reply.header<ndmsg>();
  const Attributes attributes = reply.attributes(sizeof header);
  const auto state = entered_state(header, attributes, link);
  if (header.ndm_ifindex != link.ifindex.value || !state) return std::nullopt;
  const bool is_managed = *state == NUD_NONE && (header.ndm_flags & NTF_PROXY) == 0;
  NeighbourRecord record{
      .family = header.ndm_family, .state = *state, .flags = header.ndm_flags, .attributes = {}};
  // That a managed one is a router the kernel learns with its address.
  if (is_managed) record.flags &= static_cast<std::uint8_t>(~NTF_ROUTER);
  for (const auto& [type, bytes] : attributes.all()) {
    const bool is_learned = is_managed && type == NDA_LLADDR;
    if (is_kept(type) && !is_learned) record.attributes.emplace(type, bytes);
  }
  return record;
}

std::string_view kind_text(const NeighbourRecord& neighbour) {
  if ((neighbour.flags & NTF_PROXY) != 0) return " proxy";
  return neighbour.state == NUD_PERMANENT ? " permanent"
         : neighbour.state == NUD_NOARP   ? " noarp"
         : neighbour.state == NUD_NONE    ? " managed"
                                          : "";
}

void put_neighbour(Message& message, IfIndex ifindex, const NeighbourRecord& neighbour) {
  ndmsg header{};
  header.ndm_family = static_cast<std::uint8_t>(neighbour.family);
  header.ndm_ifindex = ifindex.value;
  header.ndm_state = neighbour.state;
  header.ndm_flags = neighbour.flags;
  message.header(header);
  for (const auto& [attribute, bytes] : neighbour.attributes) message.put(attribute, bytes);
}
}  // namespace

std::vector<NeighbourRecord> list_neighbours(RouteSocket& socket, const LinkState& link) {
  std::vector<NeighbourRecord> records;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{NTF_PROXY}}) {
      ndmsg header{};
      header.ndm_family = static_cast<std::uint8_t>(family);
      header.ndm_flags = flags;
      for (const auto& reply : dump_neighbours(socket, link.ifindex, header)) {
        if (auto record = parse_neighbour(reply, link)) records.push_back(*std::move(record));
      }
    }
  }
  // The kernel lists them by the buckets of a hash.
  std::sort(records.begin(), records.end(), [](const auto& left, const auto& right) {
    return std::tie(left.family, left.flags, left.attributes) <
           std::tie(right.family, right.flags, right.attributes);
  });
  return records;
}

std::string describe(const NeighbourRecord& neighbour) {
  const auto destination = neighbour.attributes.find(NDA_DST);
  std::string out = destination == neighbour.attributes.end()
                        ? "?"
                        : IpAddress::from_bytes(destination->second).str();
  const auto address = neighbour.attributes.find(NDA_LLADDR);
  if (address != neighbour.attributes.end()) {
    out += fmt::format(" lladdr {}", format_link_address(address->second));
  }
  out += kind_text(neighbour);
  if ((neighbour.flags & NTF_EXT_LEARNED) != 0) out += " extern_learn";
  if ((neighbour.flags & NTF_ROUTER) != 0) out += " router";
  for (const auto& [type, bytes] : neighbour.attributes) {
    const bool is_said = type == NDA_FLAGS_EXT && neighbour.state == NUD_NONE;
    if (type != NDA_DST && type != NDA_LLADDR && !is_said) {
      out += fmt::format(" attribute {}={}", type, to_hex(bytes));
    }
  }
  return out;
}

Message add_neighbour(IfIndex ifindex, const NeighbourRecord& neighbour, std::string doing) {
  Message message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, std::move(doing));
  put_neighbour(message, ifindex, neighbour);
  return message;
}

Message remove_neighbour(IfIndex ifindex, const NeighbourRecord& neighbour, std::string doing) {
  Message message(RTM_DELNEIGH, 0, std::move(doing));
  put_neighbour(message, ifindex, neighbour);
  return message;
}

}  // namespace netlend
