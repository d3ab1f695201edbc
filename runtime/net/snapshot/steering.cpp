#include "net/snapshot/steering.hpp"

#include <fmt/core.h>

namespace netlend {

namespace {
/// The keys of `home` that `now` has too, with another value.
template <typename Value>
std::vector<std::uint32_t> changed_keys(const std::map<std::uint32_t, Value>& home,
                                        const std::map<std::uint32_t, Value>& now) {
  std::vector<std::uint32_t> keys;
  for (const auto& [key, value] : home) {
    const auto found = now.find(key);
    if (found != now.end() && found->second != value) keys.push_back(key);
  }
  return keys;
}

std::vector<std::uint32_t> keys_without(const std::map<std::uint32_t, std::string>& rules,
                                        const std::map<std::uint32_t, std::string>& others) {
  std::vector<std::uint32_t> keys;
  for (const auto& [location, rule] : rules) {
    if (!others.contains(location)) keys.push_back(location);
  }
  return keys;
}
}  // namespace

Steering read_steering(Site& site, const std::string& device) {
  const EthtoolIoctl ethtool(site.netns, device);
  return {.hash = ethtool.hash(),
          .hashed_fields = ethtool.hashed_fields(),
          .rules = ethtool.rules(),
          .tunables = ethtool.tunables()};
}

std::vector<std::string> differences(const Steering& home, const Steering& now) {
  std::vector<std::string> found;
  const auto compare = [&](const char* what, const auto& at_home, const auto& have) {
    if (at_home != have) found.push_back(fmt::format("its RSS {} isn't as it was at home", what));
  };
  if (home.hash && now.hash) {
    compare("table", home.hash->table, now.hash->table);
    compare("key", home.hash->key, now.hash->key);
    compare("hash function", home.hash->function, now.hash->function);
    compare("input transformation", home.hash->transform, now.hash->transform);
  } else if (home.hash) {
    found.emplace_back("its RSS settings can't be read any more");
  }
  for (const auto flow : changed_keys(home.hashed_fields, now.hashed_fields)) {
    found.push_back(fmt::format("what is hashed of flow type {} is {:#x}, was {:#x} at home", flow,
                                now.hashed_fields.at(flow), home.hashed_fields.at(flow)));
  }
  const auto name_rules = [&](const auto& locations, std::string_view verdict) {
    for (const auto location : locations) {
      found.push_back(fmt::format("steering rule {} {}", location, verdict));
    }
  };
  name_rules(keys_without(home.rules, now.rules), "is missing");
  name_rules(keys_without(now.rules, home.rules), "was not there at home");
  name_rules(changed_keys(home.rules, now.rules), "is another one than at home");
  for (const auto id : changed_keys(home.tunables, now.tunables)) {
    found.push_back(fmt::format("tunable {} is {}, was {} at home", id, now.tunables.at(id),
                                home.tunables.at(id)));
  }
  return found;
}

void restore_steering(Restoration& restoration, const Steering& home) {
  attempt(restoration.failures, [&] {
    // Its name may be another one still: where its own is taken.
    const std::string device = read_link(restoration.site.socket, restoration.ifindex).name;
    const Steering now = read_steering(restoration.site, device);
    if (differences(home, now).empty()) return;
    const EthtoolIoctl ethtool(restoration.site.netns, device);
    const auto step = [&](const std::string& what, const auto& work) {
      restoration.step(restoration.doing(what), work);
    };
    for (const auto& locations :
         {keys_without(now.rules, home.rules), changed_keys(home.rules, now.rules)}) {
      for (const auto location : locations) {
        step(fmt::format("steering rule {}", location), [&] { ethtool.remove_rule(location); });
      }
    }
    if (home.hash && now.hash && home.hash != now.hash) {
      step("the RSS settings", [&] { ethtool.set_hash(*home.hash); });
    }
    for (const auto flow : changed_keys(home.hashed_fields, now.hashed_fields)) {
      step(fmt::format("what is hashed of flow type {}", flow),
           [&] { ethtool.set_hashed_fields(flow, home.hashed_fields.at(flow)); });
    }
    for (const auto& locations :
         {keys_without(home.rules, now.rules), changed_keys(home.rules, now.rules)}) {
      for (const auto location : locations) {
        step(fmt::format("steering rule {}", location),
             [&] { ethtool.add_rule(home.rules.at(location)); });
      }
    }
    for (const auto id : changed_keys(home.tunables, now.tunables)) {
      step(fmt::format("tunable {}", id), [&] { ethtool.set_tunable(id, home.tunables.at(id)); });
    }
  });
}

std::vector<std::string> describe(const Steering& steering) {
  std::vector<std::string> texts;
  if (steering.hash) texts.emplace_back("RSS table, key and hash function");
  const auto add = [&](std::size_t count, std::string_view what) {
    if (count != 0) texts.push_back(fmt::format("{} {}", count, what));
  };
  add(steering.hashed_fields.size(), "flow types' hashed fields");
  add(steering.rules.size(), "steering rules");
  add(steering.tunables.size(), "tunables");
  return texts;
}

}  // namespace netlend
