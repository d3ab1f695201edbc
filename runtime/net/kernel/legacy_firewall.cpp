#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "net/kernel/firewall.hpp"

namespace netlend {

namespace {
using Of = FirewallCondition::Of;
using Then = FirewallRule::Then;

constexpr std::string_view kTable = "filter";
constexpr std::size_t kListMaxBytes = 4096;

/// What differs between the two IP families; the rest of both is struct xt_*.
struct Ipv4 {
  using Entry = ipt_entry;
  using Info = ipt_getinfo;
  using Entries = ipt_get_entries;
  static constexpr int kFamily = AF_INET;
  static constexpr int kLevel = SOL_IP;
  static constexpr int kGetInfo = IPT_SO_GET_INFO;
  static constexpr int kGetEntries = IPT_SO_GET_ENTRIES;
  static constexpr std::uint32_t kSourceAt = 12;
  static constexpr std::uint32_t kDestinationAt = 16;
  static constexpr unsigned kNotFrom = IPT_INV_VIA_IN;
  static constexpr unsigned kNotTo = IPT_INV_VIA_OUT;
  static constexpr unsigned kNotSource = IPT_INV_SRCIP;
  static constexpr unsigned kNotDestination = IPT_INV_DSTIP;
  static constexpr const char* kTables = "/proc/thread-self/net/ip_tables_names";
  static constexpr const char* kProgram = "iptables-legacy";
  static const auto& head(const Entry& entry) { return entry.ip; }
  static bool is_further_limited(const Entry& entry) {
    return entry.ip.proto != 0 || (entry.ip.flags & IPT_F_FRAG) != 0;
  }
};

struct Ipv6 {
  using Entry = ip6t_entry;
  using Info = ip6t_getinfo;
  using Entries = ip6t_get_entries;
  static constexpr int kFamily = AF_INET6;
  static constexpr int kLevel = SOL_IPV6;
  static constexpr int kGetInfo = IP6T_SO_GET_INFO;
  static constexpr int kGetEntries = IP6T_SO_GET_ENTRIES;
  static constexpr std::uint32_t kSourceAt = 8;
  static constexpr std::uint32_t kDestinationAt = 24;
  static constexpr unsigned kNotFrom = IP6T_INV_VIA_IN;
  static constexpr unsigned kNotTo = IP6T_INV_VIA_OUT;
  static constexpr unsigned kNotSource = IP6T_INV_SRCIP;
  static constexpr unsigned kNotDestination = IP6T_INV_DSTIP;
  static constexpr const char* kTables = "/proc/thread-self/net/ip6_tables_names";
  static constexpr const char* kProgram = "ip6tables-legacy";
  static const auto& head(const Entry& entry) { return entry.ipv6; }
  static bool is_further_limited(const Entry& entry) { return entry.ipv6.proto != 0; }
};

template <typename Value>
Value read_at(std::string_view bytes, std::size_t offset) {
  Value value{};
  if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
    throw Error("read the rules of iptables: what the kernel sent is cut short");
  }
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename Bytes>
std::string raw(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(&bytes), sizeof bytes};
}

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

/// A name is compared as far as its mask goes.
void add_device(FirewallRule& rule, FirewallCondition device, std::string_view name,
                std::string_view mask) {
  const auto size =
      static_cast<std::size_t>(std::find(mask.begin(), mask.end(), '\0') - mask.begin());
  if (size == 0) return;
  device.any_of = {{.first = std::string(name.substr(0, size))}};
  rule.conditions.push_back(std::move(device));
}

void add_address(FirewallRule& rule, FirewallCondition address) {
  if (!is_zero(address.mask)) rule.conditions.push_back(std::move(address));
}

/// Chains are named by where they begin in the table, which is how rules name them.
std::string chain_at(std::size_t offset) { return std::to_string(offset); }

template <typename Family>
class LegacyReader {
 public:
  LegacyReader(std::string entries, std::size_t begin) : entries_(std::move(entries)) {
    wanted_.push_back(begin);
  }

  Firewall read() {
    Firewall firewall{.chains = {}, .forward = {}, .families = {Family::kFamily}};
    const std::string entry = chain_at(wanted_.front());
    while (!wanted_.empty()) {
      const std::size_t begin = wanted_.back();
      wanted_.pop_back();
      if (!firewall.chains.contains(chain_at(begin))) {
        firewall.chains[chain_at(begin)] = {.rules = read_chain(begin)};
      }
    }
    firewall.forward.push_back(
        {.chain = entry,
         .title = fmt::format("chain 'FORWARD' of {}", Family::kProgram),
         .way_to_open =
             fmt::format("{0} -I FORWARD -i nl-+ -j ACCEPT; {0} -I FORWARD -o nl-+ -j ACCEPT",
                         Family::kProgram)});
    return firewall;
  }

 private:
  /// Its last rule is unconditional: a policy, or the return of a chain of its own.
  std::vector<FirewallRule> read_chain(std::size_t offset) {
    std::vector<FirewallRule> rules;
    for (;;) {
      const auto entry = read_at<typename Family::Entry>(entries_, offset);
      if (entry.next_offset < sizeof entry || entry.target_offset < sizeof entry) {
        throw Error("read the rules of iptables: they are of another format");
      }
      rules.push_back(read_rule(offset, entry));
      if (rules.back().conditions.empty() && is_end(rules.back().then)) return rules;
      offset += entry.next_offset;
    }
  }

  static bool is_end(Then then) {
    return then == Then::accept || then == Then::drop || then == Then::leave || then == Then::go_to;
  }

  FirewallRule read_rule(std::size_t offset, const typename Family::Entry& entry) {
    FirewallRule rule;
    const auto& head = Family::head(entry);
    const auto is = [&](unsigned bit) { return (head.invflags & bit) != 0; };
    add_device(rule, {.of = Of::from_device, .is_inverted = is(Family::kNotFrom)},
               raw(head.iniface), raw(head.iniface_mask));
    add_device(rule, {.of = Of::to_device, .is_inverted = is(Family::kNotTo)}, raw(head.outiface),
               raw(head.outiface_mask));
    add_address(rule, {.of = Of::header,
                       .offset = Family::kSourceAt,
                       .mask = raw(head.smsk),
                       .any_of = {{.first = raw(head.src)}},
                       .is_inverted = is(Family::kNotSource)});
    add_address(rule, {.of = Of::header,
                       .offset = Family::kDestinationAt,
                       .mask = raw(head.dmsk),
                       .any_of = {{.first = raw(head.dst)}},
                       .is_inverted = is(Family::kNotDestination)});
    if (Family::is_further_limited(entry)) rule.conditions.emplace_back();
    for (std::size_t at = sizeof entry; at < entry.target_offset;) {
      at += read_match(offset + at, rule);
    }
    read_target(offset, entry, rule);
    return rule;
  }

  std::size_t read_match(std::size_t offset, FirewallRule& rule) {
    const auto match = read_at<xt_entry_match>(entries_, offset);
    const std::size_t size = match.u.match_size;
    if (size < sizeof match || size > entries_.size() - offset) {
      throw Error("read the rules of iptables: they are of another format");
    }
    const std::string_view name = match.u.user.name;
    if (name == "conntrack") {
      rule.conditions.push_back(conntrack_condition(
          std::string_view(entries_).substr(offset + sizeof match, size - sizeof match)));
    } else if (name != "comment") {
      rule.conditions.emplace_back();
    }
    return size;
  }

  void read_target(std::size_t offset, const typename Family::Entry& entry, FirewallRule& rule) {
    const auto target = read_at<xt_entry_target>(entries_, offset + entry.target_offset);
    const std::string_view name = target.u.user.name;
    if (name != XT_STANDARD_TARGET) {
      rule.then = then_of_target(name);
      return;
    }
    const auto verdict =
        read_at<xt_standard_target>(entries_, offset + entry.target_offset).verdict;
    // Those below zero are -1 less the verdict (include/uapi/linux/netfilter/x_tables.h).
    if (verdict == XT_RETURN) {
      rule.then = Then::leave;
    } else if (verdict < 0) {
      rule.then = -verdict - 1 == NF_ACCEPT ? Then::accept
                  : -verdict - 1 == NF_DROP ? Then::drop
                                            : Then::unknown;
    } else if (static_cast<std::size_t>(verdict) == offset + entry.next_offset) {
      rule.then = Then::go_on;  // What has no target.
    } else {
      const bool is_goto = (Family::head(entry).flags & IPT_F_GOTO) != 0;
      rule.then = is_goto ? Then::go_to : Then::jump;
      rule.chain = chain_at(static_cast<std::size_t>(verdict));
      wanted_.push_back(static_cast<std::size_t>(verdict));
    }
  }

  std::string entries_;
  std::vector<std::size_t> wanted_;
};

/// Asking for one that isn't there would make it, and put it into the way of every packet.
bool has_table(const char* list) {
  const auto text = read_file_if_exists(AT_FDCWD, list, kListMaxBytes);
  if (!text) return false;
  const auto names = split_words(*text, "\n");
  return std::find(names.begin(), names.end(), kTable) != names.end();
}

template <typename Family>
void add_firewall(std::vector<Firewall>& found) {
  if (!has_table(Family::kTables)) return;
  const UniqueFd socket{check(::socket(Family::kFamily, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW),
                              "open", "a raw socket")};
  typename Family::Info info{};
  kTable.copy(info.name, kTable.size());
  socklen_t size = sizeof info;
  check(::getsockopt(socket.get(), Family::kLevel, Family::kGetInfo, &info, &size), "look up table",
        kTable);
  std::string answer(sizeof(typename Family::Entries) + info.size, '\0');
  auto* entries = reinterpret_cast<typename Family::Entries*>(answer.data());
  kTable.copy(entries->name, kTable.size());
  entries->size = info.size;
  size = static_cast<socklen_t>(answer.size());
  check(::getsockopt(socket.get(), Family::kLevel, Family::kGetEntries, answer.data(), &size),
        "read table", kTable);
  found.push_back(LegacyReader<Family>(answer.substr(sizeof(typename Family::Entries)),
                                       info.hook_entry[NF_INET_FORWARD])
                      .read());
}
}  // namespace

std::vector<Firewall> list_legacy_firewalls(const Netns& netns) {
  std::vector<Firewall> found;
  run_in_netns(netns, [&] {
    add_firewall<Ipv4>(found);
    add_firewall<Ipv6>(found);
  });
  return found;
}

}  // namespace netlend
