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

std::optional<NeighbourRecord> parse_neighbour(const Reply& reply, IfIndex ifindex) {
  const auto header = reply.header<ndmsg>();
  const bool is_proxy = (header.ndm_flags & NTF_PROXY) != 0;
  const bool is_lasting = (header.ndm_state & NUD_PERMANENT) != 0;
  if (header.ndm_ifindex != ifindex.value || !(is_proxy || is_lasting)) return std::nullopt;
  NeighbourRecord record{.family = header.ndm_family,
                         .state = is_proxy ? std::uint16_t{0} : header.ndm_state,
                         .flags = header.ndm_flags,
                         .attributes = {}};
  const Attributes attributes = reply.attributes(sizeof header);
  for (const auto& [type, bytes] : attributes.all()) {
    if (is_kept(type)) record.attributes.emplace(type, bytes);
  }
  return record;
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

std::vector<NeighbourRecord> list_neighbours(RouteSocket& socket, IfIndex ifindex) {
  std::vector<NeighbourRecord> records;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{NTF_PROXY}}) {
      ndmsg header{};
      header.ndm_family = static_cast<std::uint8_t>(family);
      header.ndm_flags = flags;
      for (const auto& reply : dump_neighbours(socket, ifindex, header)) {
        if (auto record = parse_neighbour(reply, ifindex)) records.push_back(*std::move(record));
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
  out += (neighbour.flags & NTF_PROXY) != 0 ? " proxy" : " permanent";
  if ((neighbour.flags & NTF_ROUTER) != 0) out += " router";
  for (const auto& [type, bytes] : neighbour.attributes) {
    if (type != NDA_DST && type != NDA_LLADDR) {
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
