#include "net/snapshot/ethtool.hpp"

#include <fmt/core.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "net/kernel/generic_socket.hpp"
#include "net/snapshot/ethtool_sections.hpp"

namespace netlend {

using ethtool::Number;
using ethtool::Section;

namespace {
// Every family's first attribute (include/uapi/linux/ethtool_netlink.h).
constexpr int kHeader = 1;

Message about(const GenericSocket& socket, std::uint8_t command, IfIndex ifindex,
              std::string doing) {
  Message message = socket.request(command, std::move(doing));
  message.begin(kHeader)
      .put_u32(ETHTOOL_A_HEADER_DEV_INDEX, static_cast<std::uint32_t>(ifindex.value))
      .end();
  return message;
}

void read_section(GenericSocket& socket, IfIndex ifindex, const Section& section,
                  EthtoolState& state) {
  const Message message =
      about(socket, section.get, ifindex,
            fmt::format("read the {} settings of device {}", section.name, ifindex.value));
  try {
    const Reply reply = socket.get(message);
    const Attributes attributes = reply.attributes(sizeof(genlmsghdr));
    for (const auto& number : section.numbers) {
      if (const auto bytes = attributes.find(number.type)) {
        state.numbers[section.name].emplace(number.type, *bytes);
      }
    }
    if (section.wanted == 0) return;
    auto switches =
        parse_switches(attributes.nested(section.wanted),
                       attributes.nested(section.is_list() ? section.wanted : section.mask));
    // Of a list even none is something that can change.
    if (!switches.empty() || section.is_list())
      state.switches.emplace(section.name, std::move(switches));
  } catch (const Error& error) {
    // The driver has no such thing, or not before the device is up.
    const int why = error.errno_value();
    if (why != EOPNOTSUPP && why != ENETDOWN && why != ENODEV && why != EIO) throw;
  }
}

std::uint32_t number_of(std::string_view bytes) {
  std::uint32_t value = 0;
  if (bytes.size() == sizeof value) {
    std::memcpy(&value, bytes.data(), sizeof value);
  } else if (!bytes.empty()) {
    value = static_cast<std::uint8_t>(bytes.front());
  }
  return value;
}

template <typename Map>
const typename Map::mapped_type& find_or_empty(const Map& map, const std::string& key) {
  static const typename Map::mapped_type kEmpty{};
  const auto found = map.find(key);
  return found == map.end() ? kEmpty : found->second;
}

bool is_forced(const RawAttributes& numbers) {
  const auto autoneg = numbers.find(ETHTOOL_A_LINKMODES_AUTONEG);
  return autoneg != numbers.end() && number_of(autoneg->second) == AUTONEG_DISABLE;
}

/// Whether `home` isn't what a device has now; where that can't be told, as `doubt` says.
bool is_changed(const Number& number, const std::string& home, const std::string& now,
                Doubt doubt) {
  if (home == now) return false;
  if (!number.unknown || number_of(now) != *number.unknown) return true;
  return doubt == Doubt::changed;
}

/// Of a section those settings that both have, and not alike, as they were at home.
RawAttributes changed_numbers(const Section& section, const EthtoolState& home,
                              const EthtoolState& now, Doubt doubt) {
  RawAttributes changed;
  const auto& wanted = find_or_empty(home.numbers, section.name);
  const auto& have = find_or_empty(now.numbers, section.name);
  for (const auto& number : section.numbers) {
    const auto at_home = wanted.find(number.type);
    const auto found = have.find(number.type);
    if (at_home == wanted.end() || found == have.end()) continue;
    const bool counts =
        !number.unknown || (is_forced(wanted) && number_of(at_home->second) != *number.unknown);
    if (counts && is_changed(number, at_home->second, found->second, doubt)) {
      changed.emplace(number.type, at_home->second);
    }
  }
  return changed;
}

/// What is forced is set all together: drivers refuse a speed without a duplex.
void add_forced(const Section& section, const EthtoolState& home, RawAttributes& changed) {
  const auto& wanted = find_or_empty(home.numbers, section.name);
  if (changed.empty() || !is_forced(wanted)) return;
  for (const auto& number : section.numbers) {
    const auto at_home = wanted.find(number.type);
    if (at_home == wanted.end()) continue;
    const bool is_switch = number.type == ETHTOOL_A_LINKMODES_AUTONEG;
    const bool is_known = number.unknown && number_of(at_home->second) != *number.unknown;
    if (is_switch || is_known) changed.emplace(number.type, at_home->second);
  }
}

std::map<std::string, bool> changed_switches(const Section& section, const EthtoolState& home,
                                             const EthtoolState& now) {
  std::map<std::string, bool> changed;
  const auto& wanted = find_or_empty(home.switches, section.name);
  const auto& have = find_or_empty(now.switches, section.name);
  if (!home.switches.contains(section.name) || !now.switches.contains(section.name)) return changed;
  for (const auto& [name, is_on] : wanted) {
    const auto found = have.find(name);
    const bool is_known = found != have.end() || section.is_list();
    const bool is_on_now = found != have.end() && found->second;
    if (is_known && is_on_now != is_on) changed.emplace(name, is_on);
  }
  if (!section.is_list()) return changed;
  for (const auto& each : have) {
    if (!wanted.contains(each.first)) changed.emplace(each.first, false);
  }
  return changed;
}

void put_switches(Message& message, int attribute, const std::map<std::string, bool>& switches) {
  message.begin(attribute).begin(ETHTOOL_A_BITSET_BITS);
  for (const auto& [name, is_on] : switches) {
    message.begin(ETHTOOL_A_BITSET_BITS_BIT).put_string(ETHTOOL_A_BITSET_BIT_NAME, name);
    if (is_on) message.put(ETHTOOL_A_BITSET_BIT_VALUE, {});
    message.end();
  }
  message.end().end();
}
}  // namespace

std::map<std::string, bool> parse_switches(const Attributes& wanted, const Attributes& mask) {
  // Without a mask those that are listed are on; with one those with a value are.
  const bool is_list = wanted.find(ETHTOOL_A_BITSET_NOMASK).has_value();
  std::map<std::string, bool> switches;
  const auto each = [](const Attributes& bitset, const auto& take) {
    const Attributes bits = bitset.nested(ETHTOOL_A_BITSET_BITS);
    for (const auto& [type, bytes] : bits.all()) {
      const Attributes bit(bytes);
      const std::string name = bit.text(ETHTOOL_A_BITSET_BIT_NAME);
      if (type == ETHTOOL_A_BITSET_BITS_BIT && !name.empty()) take(name, bit);
    }
  };
  each(mask, [&](const std::string& name, const Attributes&) { switches.emplace(name, false); });
  each(wanted, [&](const std::string& name, const Attributes& bit) {
    const auto found = switches.find(name);
    if (found == switches.end()) return;
    found->second = is_list || bit.find(ETHTOOL_A_BITSET_BIT_VALUE).has_value();
  });
  return switches;
}

EthtoolState read_ethtool(Site& site, const LinkState& link) {
  constexpr std::array<std::string_view, 6> kOnTop{"vlan", "macvlan", "macvtap",
                                                   "bond", "team",    "bridge"};
  EthtoolState state;
  auto socket = GenericSocket::open(site.netns, ETHTOOL_GENL_NAME);
  if (!socket) return state;
  const bool has_wire = std::find(kOnTop.begin(), kOnTop.end(), link.kind) == kOnTop.end();
  for (const auto& section : ethtool::sections()) {
    if (has_wire || !section.is_of_wire) read_section(*socket, link.ifindex, section, state);
  }
  return state;
}

std::vector<std::string> differences(const EthtoolState& home, const EthtoolState& now) {
  std::vector<std::string> found;
  for (const auto& section : ethtool::sections()) {
    const auto& have = find_or_empty(now.numbers, section.name);
    const RawAttributes changed = changed_numbers(section, home, now, Doubt::unchanged);
    for (const auto& number : section.numbers) {
      const auto at = changed.find(number.type);
      if (at == changed.end()) continue;
      found.push_back(fmt::format("{} setting {} is {}, was {} at home", section.name, number.name,
                                  number_of(have.at(number.type)), number_of(at->second)));
    }
    for (const auto& [name, is_on] : changed_switches(section, home, now)) {
      found.push_back(fmt::format("{} '{}' is {}, was {} at home", section.name, printable(name),
                                  is_on ? "off" : "on", is_on ? "on" : "off"));
    }
    const auto is_gone = [&](const auto& map_home, const auto& map_now) {
      return map_home.contains(section.name) && !map_now.contains(section.name);
    };
    if (is_gone(home.numbers, now.numbers) || is_gone(home.switches, now.switches)) {
      found.push_back(fmt::format("its {} settings can't be read any more", section.name));
    }
  }
  return found;
}

namespace {
struct Comparison {
  const EthtoolState& home;
  const EthtoolState& now;
  Doubt doubt;
};

void restore_section(Restoration& restoration, GenericSocket& socket, const Section& section,
                     const Comparison& states) {
  const auto& [home, now, doubt] = states;
  RawAttributes numbers = changed_numbers(section, home, now, doubt);
  add_forced(section, home, numbers);
  const auto switches = changed_switches(section, home, now);
  if (numbers.empty() && switches.empty()) return;
  Message message = about(socket, section.set, restoration.ifindex,
                          restoration.doing(fmt::format("the {} settings", section.name)));
  for (const auto& [type, bytes] : numbers) message.put(type, bytes);
  if (!switches.empty()) put_switches(message, section.wanted, switches);
  restoration.step(message.doing(), [&] { socket.call(message); });
}

/// A virtual device has a speed that it doesn't know until somebody forces one. A real one answers
/// EINVAL: there it was the wire that didn't tell.
void restore_unknown(Restoration& restoration, GenericSocket& socket, const Section& section,
                     const Comparison& states) {
  const auto& wanted = find_or_empty(states.home.numbers, section.name);
  const auto& have = find_or_empty(states.now.numbers, section.name);
  if (!is_forced(wanted)) return;
  Message message = about(socket, section.set, restoration.ifindex,
                          restoration.doing(fmt::format("the {} settings", section.name)));
  bool any = false;
  for (const auto& number : section.numbers) {
    const auto at_home = wanted.find(number.type);
    const auto found = have.find(number.type);
    if (!number.unknown || at_home == wanted.end() || found == have.end()) continue;
    if (number_of(at_home->second) != *number.unknown || at_home->second == found->second) continue;
    message.put(number.type, at_home->second);
    any = true;
  }
  Failures ignored;
  if (any) attempt(ignored, [&] { socket.call(message); });
}
}  // namespace

void restore_ethtool(Restoration& restoration, const EthtoolState& home, Doubt doubt) {
  attempt(restoration.failures, [&] {
    const LinkState link = read_link(restoration.site.socket, restoration.ifindex);
    const EthtoolState now = read_ethtool(restoration.site, link);
    auto socket = GenericSocket::open(restoration.site.netns, ETHTOOL_GENL_NAME);
    if (!socket) return;
    for (const auto& section : ethtool::sections()) {
      restore_section(restoration, *socket, section, {home, now, doubt});
      restore_unknown(restoration, *socket, section, {home, now, doubt});
    }
  });
}

}  // namespace netlend
