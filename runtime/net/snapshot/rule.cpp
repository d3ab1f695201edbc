#include "net/snapshot/rule.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::uint32_t kDetached = FIB_RULE_IIF_DETACHED | FIB_RULE_OIF_DETACHED;

std::string text_of(const RawRecord& rule, std::uint16_t attribute) {
  const auto bytes = bytes_of(rule, attribute);
  return std::string(bytes.substr(0, bytes.find('\0')));
}

bool is_name_of(const LinkState& link, const std::string& name) {
  return !name.empty() &&
         (name == link.name ||
          std::find(link.altnames.begin(), link.altnames.end(), name) != link.altnames.end());
}

RawRecord parse_rule(const Reply& reply) {
  const auto header = reply.header<fib_rule_hdr>();
  RawAttributes kept;
  const Attributes attributes = reply.attributes(sizeof header);
  for (const auto& [type, bytes] : attributes.all()) {
    if (type != FRA_PAD) kept.emplace(type, bytes);
  }
  return make_record(header, std::move(kept));
}

/// As if it had effect.
RawRecord attached(RawRecord rule) {
  auto header = header_of<fib_rule_hdr>(rule);
  header.flags &= ~(kDetached | FIB_RULE_UNRESOLVED);
  return make_record(header, std::move(rule.attributes));
}

/// Those of `rules` that are `wanted`, with effect or without, in the kernel's order.
std::vector<RawRecord> find_same(const std::vector<RawRecord>& rules, const RawRecord& wanted) {
  std::vector<RawRecord> same;
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(same),
               [&](const RawRecord& rule) { return attached(rule) == attached(wanted); });
  return same;
}

bool has_effect(const RawRecord& rule) {
  return (header_of<fib_rule_hdr>(rule).flags & kDetached) == 0;
}

bool any_has_effect(const std::vector<RawRecord>& rules) {
  return std::any_of(rules.begin(), rules.end(), has_effect);
}

Message change_rule(std::uint16_t type, const RawRecord& rule, std::string doing) {
  Message message(type, type == RTM_NEWRULE ? NLM_F_CREATE : 0, std::move(doing));
  auto header = header_of<fib_rule_hdr>(attached(rule));
  message.header(header);
  for (const auto& [attribute, bytes] : rule.attributes) message.put(attribute, bytes);
  return message;
}

std::string prefix_text(const RawRecord& rule, std::uint16_t attribute, int length_bits) {
  const auto bytes = bytes_of(rule, attribute);
  if (bytes.empty()) return "all";
  return IpPrefix{IpAddress::from_bytes(bytes), length_bits}.str();
}

std::string range_text(const RawRecord& rule, std::uint16_t attribute) {
  const auto range = number_of<std::array<std::uint16_t, 2>>(rule, attribute);
  return range[0] == range[1] ? fmt::format("{}", range[0])
                              : fmt::format("{}-{}", range[0], range[1]);
}

/// What a packet must have beside its addresses, as ip-rule(8) says it.
std::string selectors_text(const RawRecord& rule) {
  std::string out;
  const auto has = [&](std::uint16_t attribute) { return !bytes_of(rule, attribute).empty(); };
  if (has(FRA_FWMARK)) {
    out += fmt::format(" fwmark {:#x}", number_of<std::uint32_t>(rule, FRA_FWMARK));
    const auto mask = number_of<std::uint32_t>(rule, FRA_FWMASK);
    if (mask != UINT32_MAX) out += fmt::format("/{:#x}", mask);
  }
  if (const auto iif = text_of(rule, FRA_IIFNAME); !iif.empty()) out += " iif " + iif;
  if (const auto oif = text_of(rule, FRA_OIFNAME); !oif.empty()) out += " oif " + oif;
  if (has(FRA_UID_RANGE)) {
    const auto range = number_of<std::array<std::uint32_t, 2>>(rule, FRA_UID_RANGE);
    out += fmt::format(" uidrange {}-{}", range[0], range[1]);
  }
  if (has(FRA_IP_PROTO)) {
    out += fmt::format(" ipproto {}", number_of<std::uint8_t>(rule, FRA_IP_PROTO));
  }
  if (has(FRA_SPORT_RANGE)) out += " sport " + range_text(rule, FRA_SPORT_RANGE);
  if (has(FRA_DPORT_RANGE)) out += " dport " + range_text(rule, FRA_DPORT_RANGE);
  return out;
}

std::string table_text(const RawRecord& rule) {
  if (number_of<std::uint8_t>(rule, FRA_L3MDEV) != 0) return "[l3mdev-table]";
  const auto table = number_of<std::uint32_t>(rule, FRA_TABLE);
  return table == RT_TABLE_MAIN      ? "main"
         : table == RT_TABLE_LOCAL   ? "local"
         : table == RT_TABLE_DEFAULT ? "default"
                                     : std::to_string(table);
}

std::string action_text(const RawRecord& rule, std::uint8_t action) {
  switch (action) {
    case FR_ACT_GOTO:
      return fmt::format(" goto {}", number_of<std::uint32_t>(rule, FRA_GOTO));
    case FR_ACT_NOP:
      return " nop";
    case FR_ACT_BLACKHOLE:
      return " blackhole";
    case FR_ACT_UNREACHABLE:
      return " unreachable";
    case FR_ACT_PROHIBIT:
      return " prohibit";
    default:
      break;
  }
  std::string out = " lookup " + table_text(rule);
  constexpr auto kUnset = UINT32_MAX;
  const auto length = number_of<std::uint32_t>(rule, FRA_SUPPRESS_PREFIXLEN);
  if (!bytes_of(rule, FRA_SUPPRESS_PREFIXLEN).empty() && length != kUnset) {
    out += fmt::format(" suppress_prefixlength {}", length);
  }
  const auto group = number_of<std::uint32_t>(rule, FRA_SUPPRESS_IFGROUP);
  if (!bytes_of(rule, FRA_SUPPRESS_IFGROUP).empty() && group != kUnset) {
    out += fmt::format(" suppress_ifgroup {}", group);
  }
  return out;
}
}  // namespace

std::vector<RawRecord> list_rules(RouteSocket& socket, const LinkState& link) {
  Message message(RTM_GETRULE, 0, "list the routing rules");
  message.header(fib_rule_hdr{});  // AF_UNSPEC: of all families.
  std::vector<RawRecord> rules;
  try {
    for (const auto& reply : socket.dump(message)) {
      auto rule = parse_rule(reply);
      if (is_name_of(link, text_of(rule, FRA_IIFNAME)) ||
          is_name_of(link, text_of(rule, FRA_OIFNAME))) {
        rules.push_back(std::move(rule));
      }
    }
  } catch (const Error& error) {
    if (error.errno_value() != EOPNOTSUPP) throw;  // A kernel without rules.
  }
  return rules;
}

std::string describe_rule(const RawRecord& rule) {
  const auto header = header_of<fib_rule_hdr>(rule);
  std::string out = fmt::format("{} {}from {}", number_of<std::uint32_t>(rule, FRA_PRIORITY),
                                (header.flags & FIB_RULE_INVERT) != 0 ? "not " : "",
                                prefix_text(rule, FRA_SRC, header.src_len));
  if (header.dst_len != 0) out += " to " + prefix_text(rule, FRA_DST, header.dst_len);
  if (header.tos != 0) out += fmt::format(" tos 0x{:02x}", header.tos);
  return out + selectors_text(rule) + action_text(rule, header.action);
}

std::vector<std::string> rule_differences(const std::vector<RawRecord>& home,
                                          const std::vector<RawRecord>& now) {
  std::vector<std::string> found;
  for (const auto& rule : home) {
    const auto same = find_same(now, rule);
    if (!same.empty() && has_effect(rule) && !any_has_effect(same)) {
      found.push_back(fmt::format("routing rule '{}' has no effect", describe_rule(rule)));
    }
  }
  return found;
}

std::vector<std::string> removed_rules(const std::vector<RawRecord>& home,
                                       const std::vector<RawRecord>& now) {
  std::vector<std::string> removed;
  for (const auto& rule : home) {
    if (!find_same(now, rule).empty()) continue;
    removed.push_back(fmt::format("routing rule '{}'", printable(describe_rule(rule))));
  }
  return removed;
}

void restore_rules(Restoration& restoration, const LinkState& now,
                   const std::vector<RawRecord>& home) {
  if (home.empty()) return;
  attempt(restoration.failures, [&] {
    const auto have = list_rules(restoration.site.socket, now);
    for (const auto& rule : home) {
      const auto same = find_same(have, rule);
      if (same.empty() || !has_effect(rule)) continue;
      const std::string doing = restoration.doing("routing rule " + describe_rule(rule));
      // First a second one, which comes behind; the kernel removes the one in front. If we are
      // killed in between, there are two, and never none, which would be taken for home's will.
      const bool is_there =
          any_has_effect(same) || restoration.call(change_rule(RTM_NEWRULE, rule, doing));
      if (is_there && !has_effect(same.front())) {
        restoration.call(change_rule(RTM_DELRULE, rule, doing));
      }
    }
  });
}

}  // namespace netlend
