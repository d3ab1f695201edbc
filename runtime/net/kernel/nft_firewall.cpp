#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/firewall.hpp"
#include "net/kernel/netfilter.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

namespace {
using Of = FirewallCondition::Of;
using Then = FirewallRule::Then;

/// What a register holds: the condition that a comparison makes of it.
using Registers = std::map<std::uint32_t, FirewallCondition>;

constexpr std::uint32_t kWordsOfRegister = 4;

/// Longer than a register is.
const std::string kBehindAll(128, '\xff');

std::uint32_t number(const Attributes& attributes, int type) {
  return ntohl(attributes.u32(type).value_or(0));
}

/// The registers of 16 bytes lie over those of four (net/netfilter/nf_tables_api.c,
/// nft_parse_register).
std::uint32_t word_of(std::uint32_t reg) {
  return reg < NFT_REG32_00 ? reg * kWordsOfRegister : reg - NFT_REG32_00 + kWordsOfRegister;
}

struct Verdict {
  Then then = Then::unknown;
  std::string chain;
};

Verdict read_verdict(const Attributes& data) {
  const Attributes verdict = data.nested(NFTA_DATA_VERDICT);
  const std::string chain = verdict.text(NFTA_VERDICT_CHAIN);
  switch (static_cast<std::int32_t>(number(verdict, NFTA_VERDICT_CODE))) {
    case NF_ACCEPT:
      return {Then::accept, {}};
    case NF_DROP:
      return {Then::drop, {}};
    case NFT_CONTINUE:
      return {Then::go_on, {}};
    case NFT_RETURN:
      return {Then::leave, {}};
    case NFT_JUMP:
      return {Then::jump, chain};
    case NFT_GOTO:
      return {Then::go_to, chain};
    default:
      return {};
  }
}

Of of_meta(std::uint32_t key) {
  switch (key) {
    case NFT_META_IIFNAME:
      return Of::from_device;
    case NFT_META_OIFNAME:
      return Of::to_device;
    case NFT_META_IIF:
      return Of::from_index;
    case NFT_META_OIF:
      return Of::to_index;
    case NFT_META_IIFGROUP:
      return Of::from_group;
    case NFT_META_OIFGROUP:
      return Of::to_group;
    case NFT_META_NFPROTO:
      return Of::family;
    case NFT_META_PROTOCOL:
      return Of::protocol;
    default:
      return Of::other;
  }
}

Of of_connection(std::uint32_t key) {
  return key == NFT_CT_STATE ? Of::state : key == NFT_CT_STATUS ? Of::status : Of::other;
}

/// One element of a set or map.
struct Element {
  std::string key;
  bool is_end = false;
  Verdict verdict;
};

class TableReader {
 public:
  TableReader(RouteSocket& socket, std::uint8_t family, std::string table)
      : socket_(socket), family_(family), table_(std::move(table)) {}

  void read_rules(Firewall& firewall) {
    Message message = request(NFT_MSG_GETRULE, "list the rules of nftables");
    message.put_string(NFTA_RULE_TABLE, table_);
    for (const auto& reply : socket_.dump(message)) {
      const Attributes rule = reply.attributes(sizeof(nfgenmsg));
      if (reply.header<nfgenmsg>().nfgen_family != family_) continue;
      if (rule.text(NFTA_RULE_TABLE) != table_) continue;
      read_rule(rule.nested(NFTA_RULE_EXPRESSIONS),
                firewall.chains[rule.text(NFTA_RULE_CHAIN)].rules);
    }
  }

 private:
  /// A rule that is being read; it is several where it asks a map for its verdict.
  struct Reading {
    FirewallRule rule;
    Registers registers;
    std::vector<FirewallRule>& rules;
  };

  Message request(int type, std::string doing) const {
    return nftables_message(type, 0, family_, std::move(doing));
  }

  void read_rule(const Attributes& expressions, std::vector<FirewallRule>& rules) {
    Reading reading{.rule = {}, .registers = {}, .rules = rules};
    for (const auto& [type, bytes] : expressions.all()) {
      const Attributes expression{bytes};
      read_expression(expression.text(NFTA_EXPR_NAME), expression.nested(NFTA_EXPR_DATA), reading);
    }
    rules.push_back(std::move(reading.rule));
  }

  void read_expression(std::string_view name, const Attributes& data, Reading& reading);
  static void read_load(const FirewallCondition& what, std::uint32_t reg, Reading& reading);
  static void read_bitwise(const Attributes& data, Reading& reading);
  static void read_compare(const Attributes& data, Reading& reading);
  static void read_range(const Attributes& data, Reading& reading);
  static void read_immediate(const Attributes& data, Reading& reading);
  static void read_match(const Attributes& data, Reading& reading);
  void read_lookup(const Attributes& data, Reading& reading);
  const std::vector<Element>& elements_of(const std::string& set);

  RouteSocket& socket_;
  std::uint8_t family_;
  std::string table_;
  std::map<std::string, std::vector<Element>> sets_;
};

FirewallCondition at_register(const Registers& registers, std::uint32_t reg) {
  const auto found = registers.find(word_of(reg));
  return found == registers.end() ? FirewallCondition{} : found->second;
}

void TableReader::read_expression(std::string_view name, const Attributes& data, Reading& reading) {
  constexpr std::array<std::string_view, 9> kNoConditions{
      "counter", "log", "notrack", "nat", "masq", "dup", "objref", "flow_offload", "last"};
  if (name == "meta") {
    read_load({.of = of_meta(number(data, NFTA_META_KEY))}, number(data, NFTA_META_DREG), reading);
  } else if (name == "ct") {
    read_load({.of = of_connection(number(data, NFTA_CT_KEY))}, number(data, NFTA_CT_DREG),
              reading);
  } else if (name == "payload") {
    const bool is_ip = number(data, NFTA_PAYLOAD_BASE) == NFT_PAYLOAD_NETWORK_HEADER;
    read_load({.of = is_ip ? Of::header : Of::other, .offset = number(data, NFTA_PAYLOAD_OFFSET)},
              number(data, NFTA_PAYLOAD_DREG), reading);
  } else if (name == "bitwise") {
    read_bitwise(data, reading);
  } else if (name == "cmp") {
    read_compare(data, reading);
  } else if (name == "range") {
    read_range(data, reading);
  } else if (name == "immediate") {
    read_immediate(data, reading);
  } else if (name == "lookup") {
    read_lookup(data, reading);
  } else if (name == "match") {
    read_match(data, reading);
  } else if (name == "reject") {
    reading.rule.then = Then::drop;
  } else if (name == "target") {
    reading.rule.then = then_of_target(data.text(NFTA_TARGET_NAME));
  } else if (std::find(kNoConditions.begin(), kNoConditions.end(), name) == kNoConditions.end()) {
    reading.rule.conditions.emplace_back();
  }
}

/// Without a register it is the packet that is written to.
void TableReader::read_load(const FirewallCondition& what, std::uint32_t reg, Reading& reading) {
  if (reg != 0) reading.registers[word_of(reg)] = what;
}

void TableReader::read_bitwise(const Attributes& data, Reading& reading) {
  auto value = at_register(reading.registers, number(data, NFTA_BITWISE_SREG));
  const auto mask = data.nested(NFTA_BITWISE_MASK).find(NFTA_DATA_VALUE);
  const auto flipped = data.nested(NFTA_BITWISE_XOR).find(NFTA_DATA_VALUE).value_or("");
  const bool is_mask = number(data, NFTA_BITWISE_OP) == NFT_BITWISE_BOOL && mask &&
                       flipped.find_first_not_of('\0') == std::string_view::npos;
  if (!is_mask || !value.mask.empty()) value = {};
  value.mask = is_mask ? std::string(*mask) : "";
  reading.registers[word_of(number(data, NFTA_BITWISE_DREG))] = std::move(value);
}

/// What is compared with a value, by memcmp as the kernel does it; nothing if it isn't known how.
std::optional<FirewallCondition> compared(FirewallCondition condition, std::uint32_t operation,
                                          const std::string& value) {
  using Values = FirewallCondition::Values;
  const bool is_equality = operation == NFT_CMP_EQ || operation == NFT_CMP_NEQ;
  const bool is_at_least = operation == NFT_CMP_GTE || operation == NFT_CMP_LT;
  const bool is_at_most = operation == NFT_CMP_LTE || operation == NFT_CMP_GT;
  if (!is_equality && !is_at_least && !is_at_most) return std::nullopt;
  condition.is_inverted =
      operation == NFT_CMP_NEQ || operation == NFT_CMP_LT || operation == NFT_CMP_GT;
  if (is_equality) {
    condition.any_of = {Values{.first = value}};
  } else if (is_at_least) {
    condition.any_of = {Values{.first = value, .end = kBehindAll}};
  } else {
    // What comes next is the same with a byte more.
    condition.any_of = {Values{.first = std::string(value.size(), '\0'), .end = value + '\0'}};
  }
  return condition;
}

void TableReader::read_compare(const Attributes& data, Reading& reading) {
  const auto value = data.nested(NFTA_CMP_DATA).find(NFTA_DATA_VALUE);
  const auto condition = compared(at_register(reading.registers, number(data, NFTA_CMP_SREG)),
                                  number(data, NFTA_CMP_OP), std::string(value.value_or("")));
  reading.rule.conditions.push_back(value && condition ? *condition : FirewallCondition{});
}

/// From one value to another, both included.
void TableReader::read_range(const Attributes& data, Reading& reading) {
  auto condition = at_register(reading.registers, number(data, NFTA_RANGE_SREG));
  const auto from = data.nested(NFTA_RANGE_FROM_DATA).find(NFTA_DATA_VALUE);
  const auto to = data.nested(NFTA_RANGE_TO_DATA).find(NFTA_DATA_VALUE);
  if (from && to) {
    condition.any_of = {{.first = std::string(*from), .end = std::string(*to) + '\0'}};
    condition.is_inverted = number(data, NFTA_RANGE_OP) == NFT_RANGE_NEQ;
  }
  reading.rule.conditions.push_back(from && to ? std::move(condition) : FirewallCondition{});
}

void TableReader::read_immediate(const Attributes& data, Reading& reading) {
  const auto reg = number(data, NFTA_IMMEDIATE_DREG);
  if (reg != NFT_REG_VERDICT) return read_load({}, reg, reading);
  const Verdict verdict = read_verdict(data.nested(NFTA_IMMEDIATE_DATA));
  reading.rule.then = verdict.then;
  reading.rule.chain = verdict.chain;
}

void TableReader::read_match(const Attributes& data, Reading& reading) {
  const auto name = data.text(NFTA_MATCH_NAME);
  if (name == "comment") return;
  reading.rule.conditions.push_back(
      name == "conntrack" ? conntrack_condition(data.find(NFTA_MATCH_INFO).value_or(""))
                          : FirewallCondition{});
}

/// Sorted, each value of an interval with what ends it.
std::vector<FirewallCondition::Values> values_of(const std::vector<Element>& elements,
                                                 std::size_t index) {
  const bool has_intervals = std::any_of(elements.begin(), elements.end(),
                                         [](const auto& element) { return element.is_end; });
  FirewallCondition::Values values{.first = elements[index].key};
  if (has_intervals) {
    values.end = index + 1 < elements.size() ? elements[index + 1].key : kBehindAll;
  }
  return {values};
}

void TableReader::read_lookup(const Attributes& data, Reading& reading) {
  auto condition = at_register(reading.registers, number(data, NFTA_LOOKUP_SREG));
  const auto& elements = elements_of(data.text(NFTA_LOOKUP_SET));
  const bool is_map = data.find(NFTA_LOOKUP_DREG).has_value();
  const bool is_verdict = is_map && number(data, NFTA_LOOKUP_DREG) == NFT_REG_VERDICT;
  condition.is_inverted = (number(data, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].is_end) continue;
    const auto values = values_of(elements, i);
    if (is_verdict) {
      FirewallRule rule = reading.rule;
      FirewallCondition is_this = condition;
      is_this.any_of = values;
      rule.conditions.push_back(std::move(is_this));
      rule.then = elements[i].verdict.then;
      rule.chain = elements[i].verdict.chain;
      reading.rules.push_back(std::move(rule));
    } else {
      condition.any_of.insert(condition.any_of.end(), values.begin(), values.end());
    }
  }
  // What is left of a rule with a map of verdicts is for what isn't in it.
  if (is_map && !is_verdict) {
    read_load({}, number(data, NFTA_LOOKUP_DREG), reading);
  } else if (!is_verdict) {
    reading.rule.conditions.push_back(std::move(condition));
  }
}

const std::vector<Element>& TableReader::elements_of(const std::string& set) {
  const auto known = sets_.find(set);
  if (known != sets_.end()) return known->second;
  auto& elements = sets_[set];
  Message message = request(NFT_MSG_GETSETELEM, "list a set of nftables");
  message.put_string(NFTA_SET_ELEM_LIST_TABLE, table_).put_string(NFTA_SET_ELEM_LIST_SET, set);
  for (const auto& reply : socket_.dump(message)) {
    const Attributes list = reply.attributes(sizeof(nfgenmsg)).nested(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (const auto& [type, bytes] : list.all()) {
      const Attributes element{bytes};
      const auto key = element.nested(NFTA_SET_ELEM_KEY).find(NFTA_DATA_VALUE);
      if (!key) continue;
      elements.push_back(
          {.key = std::string(*key),
           .is_end = (number(element, NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0,
           .verdict = read_verdict(element.nested(NFTA_SET_ELEM_DATA))});
    }
  }
  std::sort(elements.begin(), elements.end(), [](const auto& left, const auto& right) {
    return std::pair{left.key, !left.is_end} < std::pair{right.key, !right.is_end};
  });
  return elements;
}

std::vector<int> families_of(std::uint8_t family) {
  if (family == NFPROTO_IPV4) return {AF_INET};
  if (family == NFPROTO_IPV6) return {AF_INET6};
  return {AF_INET, AF_INET6};
}

/// The tables that have a chain which forwarded packets enter by.
std::vector<Firewall> list_tables(RouteSocket& socket) {
  std::map<std::pair<std::uint8_t, std::string>, Firewall> tables;
  for (const std::uint8_t family : {NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6}) {
    for (const auto& chain : list_nft_chains(socket, family)) {
      Firewall& firewall = tables[{family, chain.table}];
      firewall.chains[chain.name].drops_rest = chain.policy == NF_DROP;
      if (chain.hook != NF_INET_FORWARD) continue;
      const std::string place = fmt::format("{} {} {}", nft_family_name(family),
                                            printable(chain.table), printable(chain.name));
      firewall.forward.push_back(
          {.chain = chain.name,
           .title = describe({.family = family, .table = chain.table, .name = chain.name}),
           .way_to_open = fmt::format("nft 'insert rule {0} iifname \"nl-*\" accept; insert rule "
                                      "{0} oifname \"nl-*\" accept'",
                                      place)});
    }
  }
  std::vector<Firewall> found;
  for (auto& [key, firewall] : tables) {
    if (firewall.forward.empty()) continue;
    firewall.families = families_of(key.first);
    TableReader(socket, key.first, key.second).read_rules(firewall);
    found.push_back(std::move(firewall));
  }
  return found;
}
}  // namespace

std::vector<Firewall> list_nft_firewalls(const Netns& netns) {
  try {
    RouteSocket socket{netns, NETLINK_NETFILTER};
    return list_tables(socket);
  } catch (const Error& error) {
    if (!is_unknown_to_nftables(error)) throw;
    return {};
  }
}

}  // namespace netlend
