#include "net/snapshot/rule.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

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

/// The one of `rules` that is `wanted`, with effect or without.
const RawRecord* find_rule(const std::vector<RawRecord>& rules, const RawRecord& wanted) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const RawRecord& rule) {
    return attached(rule) == attached(wanted);
  });
  return found == rules.end() ? nullptr : &*found;
}

bool has_effect(const RawRecord& rule) {
  return (header_of<fib_rule_hdr>(rule).flags & kDetached) == 0;
}

Message change_rule(std::uint16_t type, const RawRecord& rule, std::string doing) {
  Message message(type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, std::move(doing));
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
  std::string out = fmt::format("{} from {}", number_of<std::uint32_t>(rule, FRA_PRIORITY),
                                prefix_text(rule, FRA_SRC, header.src_len));
  if (header.dst_len != 0) out += " to " + prefix_text(rule, FRA_DST, header.dst_len);
  if (const auto iif = text_of(rule, FRA_IIFNAME); !iif.empty()) out += " iif " + iif;
  if (const auto oif = text_of(rule, FRA_OIFNAME); !oif.empty()) out += " oif " + oif;
  if (const auto table = number_of<std::uint32_t>(rule, FRA_TABLE); table != 0) {
    out += fmt::format(" lookup {}", table);
  }
  return out;
}

std::vector<std::string> rule_differences(const std::vector<RawRecord>& home,
                                          const std::vector<RawRecord>& now) {
  std::vector<std::string> found;
  for (const auto& rule : home) {
    const RawRecord* same = find_rule(now, rule);
    if (same == nullptr) {
      found.push_back(fmt::format("routing rule '{}' is missing", describe_rule(rule)));
    } else if (has_effect(rule) && !has_effect(*same)) {
      found.push_back(fmt::format("routing rule '{}' has no effect", describe_rule(rule)));
    }
  }
  return found;
}

void restore_rules(Restoration& restoration, const LinkState& now,
                   const std::vector<RawRecord>& home) {
  if (home.empty()) return;
  attempt(restoration.failures, [&] {
    const auto have = list_rules(restoration.site.socket, now);
    for (const auto& rule : home) {
      const RawRecord* same = find_rule(have, rule);
      if (same != nullptr && (has_effect(*same) || !has_effect(rule))) continue;
      const std::string doing = restoration.doing("routing rule " + describe_rule(rule));
      if (same != nullptr) restoration.call(change_rule(RTM_DELRULE, rule, doing));
      restoration.call(change_rule(RTM_NEWRULE, rule, doing));
    }
  });
}

}  // namespace netlend
