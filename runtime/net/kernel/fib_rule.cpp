#include "net/kernel/fib_rule.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
std::optional<IpPrefix> prefix_of(const Attributes& attributes, int type, int length_bits) {
  const auto bytes = attributes.find(type);
  if (!bytes) return std::nullopt;
  return IpPrefix{IpAddress::from_bytes(*bytes), length_bits};
}

std::optional<PortRange> ports_of(const Attributes& attributes, int type) {
  const auto bytes = attributes.find(type);
  fib_rule_port_range range{};
  if (!bytes || bytes->size() < sizeof range) return std::nullopt;
  std::memcpy(&range, bytes->data(), sizeof range);
  return PortRange{range.start, range.end};
}

void put_ports(Message& message, int type, const std::optional<PortRange>& ports) {
  if (!ports) return;
  const fib_rule_port_range range{.start = ports->first, .end = ports->last};
  message.put(type, {reinterpret_cast<const char*>(&range), sizeof range});
}

std::string ports_text(std::string_view which, const std::optional<PortRange>& ports) {
  return ports ? fmt::format(" {} {}-{}", which, ports->first, ports->last) : "";
}

FibRule parse_rule(const Reply& reply) {
  const auto header = reply.header<fib_rule_hdr>();
  const Attributes attributes = reply.attributes(sizeof header);
  return {.family = header.family,
          .priority = attributes.u32(FRA_PRIORITY).value_or(0),
          .action = header.action,
          .from = prefix_of(attributes, FRA_SRC, header.src_len),
          .to = prefix_of(attributes, FRA_DST, header.dst_len),
          .iif = attributes.text(FRA_IIFNAME),
          .ip_protocol = attributes.u8(FRA_IP_PROTO).value_or(0),
          .source_ports = ports_of(attributes, FRA_SPORT_RANGE),
          .destination_ports = ports_of(attributes, FRA_DPORT_RANGE),
          .table = attributes.u32(FRA_TABLE).value_or(header.table),
          .jump_to = attributes.u32(FRA_GOTO).value_or(0),
          .protocol = attributes.u8(FRA_PROTOCOL).value_or(0)};
}

Message rule_message(std::uint16_t type, std::uint16_t flags, const FibRule& rule,
                     std::string doing) {
  Message message(type, flags, std::move(doing));
  fib_rule_hdr header{};
  header.family = static_cast<std::uint8_t>(rule.family);
  header.src_len = static_cast<std::uint8_t>(rule.from ? rule.from->length_bits() : 0);
  header.dst_len = static_cast<std::uint8_t>(rule.to ? rule.to->length_bits() : 0);
  header.action = rule.action;
  message.header(header).put_u32(FRA_PRIORITY, rule.priority);
  message.put_u8(FRA_PROTOCOL, rule.protocol);
  if (rule.from) message.put(FRA_SRC, rule.from->address().bytes());
  if (rule.to) message.put(FRA_DST, rule.to->address().bytes());
  if (rule.ip_protocol != 0) message.put_u8(FRA_IP_PROTO, rule.ip_protocol);
  put_ports(message, FRA_SPORT_RANGE, rule.source_ports);
  put_ports(message, FRA_DPORT_RANGE, rule.destination_ports);
  if (!rule.iif.empty()) message.put_string(FRA_IIFNAME, rule.iif);
  if (rule.table != 0) message.put_u32(FRA_TABLE, rule.table);
  if (rule.jump_to != 0) message.put_u32(FRA_GOTO, rule.jump_to);
  return message;
}
}  // namespace

std::vector<FibRule> list_fib_rules(RouteSocket& socket, int family) {
  Message message(RTM_GETRULE, 0, "list the routing rules");
  fib_rule_hdr header{};
  header.family = static_cast<std::uint8_t>(family);
  message.header(header);
  std::vector<FibRule> rules;
  try {
    for (const auto& reply : socket.dump(message)) rules.push_back(parse_rule(reply));
  } catch (const Error& error) {
    if (error.errno_value() != EOPNOTSUPP && error.errno_value() != EAFNOSUPPORT) throw;
  }
  return rules;
}

Message add_fib_rule(const FibRule& rule, std::string doing) {
  return rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule, std::move(doing));
}

Message remove_fib_rule(const FibRule& rule, std::string doing) {
  return rule_message(RTM_DELRULE, 0, rule, std::move(doing));
}

std::string describe(const FibRule& rule) {
  std::string out = fmt::format("{} from {}", rule.priority, rule.from ? rule.from->str() : "all");
  if (rule.to) out += " to " + rule.to->str();
  if (!rule.iif.empty()) out += " iif " + rule.iif;
  if (rule.ip_protocol != 0) out += fmt::format(" ipproto {}", rule.ip_protocol);
  out += ports_text("sport", rule.source_ports) + ports_text("dport", rule.destination_ports);
  switch (rule.action) {
    case FR_ACT_TO_TBL:
      return out + fmt::format(" lookup {}", rule.table);
    case FR_ACT_GOTO:
      return out + fmt::format(" goto {}", rule.jump_to);
    case FR_ACT_NOP:
      return out + " nop";
    case FR_ACT_BLACKHOLE:
      return out + " blackhole";
    case FR_ACT_UNREACHABLE:
      return out + " unreachable";
    default:
      return out + fmt::format(" action {}", rule.action);
  }
}

}  // namespace netlend
