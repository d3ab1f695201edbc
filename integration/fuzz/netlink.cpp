#include <linux/fib_rules.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <cstring>

#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "net/kernel/address.hpp"
#include "net/kernel/filter.hpp"
#include "net/kernel/neighbour.hpp"
#include "net/kernel/netfilter.hpp"
#include "net/kernel/port_attribute.hpp"
#include "net/kernel/qdisc.hpp"
#include "net/kernel/route.hpp"
#include "net/snapshot/bridge_port.hpp"
#include "net/snapshot/ethtool.hpp"
#include "net/snapshot/forwarding.hpp"
#include "net/snapshot/master.hpp"
#include "net/snapshot/rule.hpp"
#include "net/snapshot/virtual_function.hpp"

namespace netlend::fuzz {

namespace {
constexpr IfIndex kDevice{7};
constexpr int kTypesMax = 64;
constexpr int kDepthMax = 4;

bool is_within(std::string_view inner, std::string_view outer) {
  return inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
}

void check_attributes(const Attributes& attributes, std::string_view bytes, int depth) {
  for (const auto& [type, value] : attributes.all()) {
    require(is_within(value, bytes), "an attribute lies within its message");
    require(attributes.find(type).has_value(), "an attribute that is there is found");
  }
  for (int type = 0; type < kTypesMax; ++type) {
    const auto found = attributes.find(type);
    const auto size = found ? found->size() : 0;
    require(attributes.u8(type).has_value() == (size >= sizeof(std::uint8_t)),
            "a byte is read where there is one");
    require(attributes.u32(type).has_value() == (size >= sizeof(std::uint32_t)),
            "a number is read where there are four bytes");
    require(attributes.text(type).size() <= size, "a text is no longer than its attribute");
    if (found && depth > 0) check_attributes(attributes.nested(type), *found, depth - 1);
  }
}

std::string_view payload_of(const Message& message, std::size_t header_size) {
  nlmsghdr* head = ::nlmsg_hdr(message.raw());
  const std::string_view payload{static_cast<const char*>(::nlmsg_data(head)),
                                 static_cast<std::size_t>(::nlmsg_datalen(head))};
  return payload.substr(NLMSG_ALIGN(header_size));
}

void check_sent_as_received(const Attributes& attributes) {
  Message message(RTM_NEWLINK, 0, "send attributes back");
  for (const auto& [type, value] : attributes.all()) message.put(type, value);
  const Attributes sent(payload_of(message, 0));
  require(sent.all() == attributes.all(), "attributes are sent as they were received");
}

void check_reply(std::string_view input) {
  const Reply reply{RTM_NEWLINK, std::string(input)};
  const auto header = accepted([&] { return reply.header<ifinfomsg>(); });
  require(header.has_value() == (input.size() >= sizeof(ifinfomsg)), "a short answer is refused");
  const auto attributes = reply.attributes(sizeof(ifinfomsg));
  const auto expected =
      Attributes(input.substr(std::min<std::size_t>(sizeof(ifinfomsg), input.size())));
  require(attributes.all() == expected.all(), "attributes begin behind the header");
}

// Where an attribute stands twice, the first counts.
RawAttributes raw_attributes(const Attributes& attributes) {
  RawAttributes raw;
  for (const auto& [type, value] : attributes.all()) raw.emplace(type, value);
  return raw;
}

void require_carries(const Message& message, std::size_t header_size, const RawAttributes& raw) {
  const auto sent = raw_attributes(Attributes(payload_of(message, header_size)));
  for (const auto& attribute : raw) {
    require(sent.contains(attribute.first), "a record is sent whole");
  }
}

void check_records(std::uint8_t family, const RawAttributes& raw) {
  RouteRecord route{.family = family, .type = RTN_UNICAST, .attributes = raw};
  AddressRecord address{.family = family, .attributes = raw};
  NeighbourRecord neighbour{.family = family, .attributes = raw};
  const QdiscRecord qdisc{.kind = "tbf", .options = raw.empty() ? "" : raw.begin()->second};
  accepted([&] { return describe(route); });
  accepted([&] { return describe(address); });
  accepted([&] { return describe(neighbour); });
  describe(qdisc);
  accepted([&] { return gateway_helper(route).has_value(); });
  require_carries(add_route(kDevice, route, "add a route"), sizeof(rtmsg), raw);
  require_carries(add_address(kDevice, address, "add an address"), sizeof(ifaddrmsg), raw);
  require_carries(add_neighbour(kDevice, neighbour, "add a neighbour"), sizeof(ndmsg), raw);
  set_root_qdisc(kDevice, qdisc, "set a qdisc");
}
// What a filter is written again by, is read as it was written.
void check_filters(std::string_view input) {
  for (const char* kind : {"matchall", "u32", "bpf", "flower", "fw"}) {
    const FilterOptions once = read_filter_options(kind, input);
    if (!once.why_not.empty()) continue;
    const FilterOptions twice = read_filter_options(kind, once.bytes);
    require(twice.why_not.empty() && twice.bytes == once.bytes, "a filter is read one way");
  }
}

void check_switches(const Attributes& attributes) {
  const auto of_itself = parse_switches(attributes, attributes);
  require(parse_switches({}, attributes).size() == of_itself.size(),
          "what can be switched is what the mask says");
  require(parse_switches(attributes, {}).empty(), "nothing beyond the mask can be switched");
}

// What hangs on a device. Records with such attributes are described or refused, whatever they
// hold.
void check_relations(std::string_view input, const RawAttributes& raw) {
  bridge_vlan_info vlan{};
  br_mdb_entry group{};
  ndmsg entry{};
  fib_rule_hdr rule{};
  if (input.size() >= sizeof group) std::memcpy(&group, input.data(), sizeof group);
  accepted([&] { return describe_vlan(make_record(vlan, raw)); });
  accepted([&] { return describe_group(make_record(group, raw)); });
  accepted([&] { return describe_entry(make_record(entry, raw)); });
  accepted([&] { return describe_rule(make_record(rule, raw)); });
  const RawRecord function = make_record(std::uint32_t{3}, raw);
  require(function_differences({function}, {function}).empty(), "a record is as it is");
  const RawRecord short_header{.header = std::string(input.substr(0, 3)), .attributes = raw};
  require(!accepted([&] { return describe_rule(short_header); }), "a short header is refused");
  const Attributes attributes(input);
  for (const char* kind : {"bridge", "bond", "vrf", ""}) {
    for (const auto& [type, bytes] : kept_port_attributes(kind, attributes)) {
      require(attributes.find(type) == bytes, "a port's attribute is kept as it came");
    }
  }
  names_device(attributes, 3, 4, "lan0");
}
}  // namespace

/// Attributes as the kernel sends them.
void netlink(std::string_view input) {
  const Attributes attributes(input);
  check_attributes(attributes, input, kDepthMax);
  check_sent_as_received(attributes);
  check_reply(input);
  check_filters(input);
  check_switches(attributes);
  check_records(input.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(input.back()),
                raw_attributes(attributes));
  check_relations(input, raw_attributes(attributes));
}

}  // namespace netlend::fuzz
