#include "net/snapshot/differences.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "net/kernel/kind_option_text.hpp"
#include "net/snapshot/mark.hpp"
#include "net/snapshot/master.hpp"
#include "net/snapshot/settable.hpp"

namespace netlend {

namespace {
class Differences {
 public:
  template <typename Value>
  void compare(std::string_view what, const Value& home, const Value& now) {
    if (home != now) found_.push_back(fmt::format("{} is {}, was {} at home", what, now, home));
  }
  void add(std::string sentence) { found_.push_back(std::move(sentence)); }
  void add(std::vector<std::string> sentences) {
    for (auto& sentence : sentences) add(std::move(sentence));
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

std::string quoted(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += fmt::format("{}'{}'", out.empty() ? "" : " ", name);
  return out.empty() ? "none" : out;
}

void compare_links(const LinkState& home, const LinkState& now, Differences& differences) {
  differences.compare("name", home.name, now.name);
  differences.compare("altnames", quoted(own_altnames(home)), quoted(own_altnames(now)));
  differences.compare("alias", home.alias, now.alias);
  differences.compare("mtu", home.mtu_bytes, now.mtu_bytes);
  differences.compare("link broadcast", format_link_address(home.broadcast),
                      format_link_address(now.broadcast));
  differences.compare("flags", settable_flags(home), settable_flags(now));
  differences.compare("addrgenmode", int{home.addrgenmode.value_or(0)},
                      int{now.addrgenmode.value_or(0)});
  differences.compare("IPv6 token", format_token(home.ipv6_token), format_token(now.ipv6_token));
  differences.add(kind_option_differences(home.kind, home.kind_data, now.kind_data));
  if (home.mode) differences.compare("link mode", *home.mode, now.mode.value_or(0));
  if (home.protocol_down && now.protocol_down) {
    differences.compare("protodown", home.protocol_down->is_down, now.protocol_down->is_down);
    differences.compare("protodown reasons", home.protocol_down->reasons,
                        now.protocol_down->reasons);
  }
  // A tap's ends with the process that has it open, which is nobody's here to bring back.
  if (has_settable_carrier(home) && home.kind == "dummy") {
    differences.compare("carrier", home.has_carrier, now.has_carrier);
  }
  for (const auto& [type, value] : home.tunables) {
    const auto found = now.tunables.find(type);
    differences.compare(tunable_name(type), value, found == now.tunables.end() ? 0 : found->second);
  }
}

/// Compares lists whose order the kernel keeps; the missing and the new are named, else the order.
template <typename Record>
void compare_lists(std::string_view what, const std::vector<Record>& home,
                   const std::vector<Record>& now, Differences& differences) {
  const auto same = [](const Record& left, const Record& right) {
    if constexpr (requires { left.is_same_as(right); }) {
      return left.is_same_as(right);
    } else {
      return left == right;
    }
  };
  if (std::equal(home.begin(), home.end(), now.begin(), now.end(), same)) return;
  const auto missing_in = [&](const std::vector<Record>& list, const Record& wanted) {
    return std::none_of(list.begin(), list.end(),
                        [&](const Record& record) { return same(record, wanted); });
  };
  bool any = false;
  for (const auto& record : home) {
    if (!missing_in(now, record)) continue;
    differences.add(fmt::format("{} '{}' is missing", what, describe(record)));
    any = true;
  }
  for (const auto& record : now) {
    if (!missing_in(home, record)) continue;
    differences.add(fmt::format("{} '{}' was not there at home", what, describe(record)));
    any = true;
  }
  if (!any) differences.add(fmt::format("the order of its {}s has changed", what));
}

void compare_places(const std::vector<RouteRecord>& home, const std::vector<RouteRecord>& now,
                    Differences& differences) {
  const auto text = [](RoutePlace place) {
    if (place == RoutePlace::between) return "between";
    return place == RoutePlace::before ? "before" : "behind";
  };
  for (const auto& route : home) {
    if (route.place == RoutePlace::alone) continue;
    for (const auto& other : now) {
      if (!other.is_same_as(route) || other.place == RoutePlace::alone) continue;
      if (other.place == route.place) continue;
      differences.add(
          fmt::format("route '{}' is {} equal routes of other devices, was {} them at home",
                      describe(route), text(other.place), text(route.place)));
    }
  }
}

void compare_root_qdiscs(const std::optional<QdiscRecord>& home,
                         const std::optional<QdiscRecord>& now, Differences& differences) {
  if (!home || !now) return;
  differences.compare("root qdisc", describe(*home), describe(*now));
  if (describe(*home) != describe(*now) || home->is_default()) return;
  if (home->options != now->options) {
    differences.add(fmt::format("root qdisc {} has other options than at home", describe(*now)));
  }
}

void compare_sysctls(const Sysctls& home, const Sysctls& now, Differences& differences) {
  for (const auto& [key, value] : home) {
    const auto found = now.find(key);
    differences.compare("sysctl " + key, value,
                        found == now.end() ? std::string("absent") : found->second);
  }
}
}  // namespace

std::vector<std::string> differences(const DeviceSnapshot& home, const DeviceSnapshot& now) {
  Differences found;
  compare_links(home.link, now.link, found);
  if (!has_given_address(home.relations, now.link)) {
    found.compare("address", format_link_address(home.link.address),
                  format_link_address(now.link.address));
  }
  compare_lists("address", home.addresses, now.addresses, found);
  compare_lists("route", home.routes, now.routes, found);
  compare_places(home.routes, now.routes, found);
  compare_lists("neighbour", home.neighbours, now.neighbours, found);
  compare_sysctls(home.sysctls, now.sysctls, found);
  compare_root_qdiscs(home.root_qdisc, now.root_qdisc, found);
  if (home.settings && now.settings) {
    for (auto& difference : differences(*home.settings, *now.settings)) {
      found.add(std::move(difference));
    }
  }
  found.add(master_differences({home.link.master, home.relations.master_name, home.relations.bond},
                               {now.link.master, now.relations.master_name, now.relations.bond}));
  found.add(relation_differences(home.relations, now.relations));
  return found.take();
}

}  // namespace netlend
