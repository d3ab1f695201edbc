#include "net/snapshot/ethtool.hpp"

#include <fmt/core.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <array>
#include <cstring>
#include <span>

#include "base/text.hpp"
#include "net/kernel/generic_socket.hpp"

namespace netlend {

namespace {
// Every family's first attribute (include/uapi/linux/ethtool_netlink.h).
constexpr int kHeader = 1;

struct Number {
  std::uint16_t type;
  const char* name;
};

// Newer than Debian 12's headers: 14 to 17 of the rings, 26 to 28 of coalescing.
constexpr std::array<Number, 10> kRings{{{ETHTOOL_A_RINGS_RX, "rx"},
                                         {ETHTOOL_A_RINGS_RX_MINI, "rx-mini"},
                                         {ETHTOOL_A_RINGS_RX_JUMBO, "rx-jumbo"},
                                         {ETHTOOL_A_RINGS_TX, "tx"},
                                         {ETHTOOL_A_RINGS_RX_BUF_LEN, "rx-buf-len"},
                                         {ETHTOOL_A_RINGS_TCP_DATA_SPLIT, "tcp-data-split"},
                                         {ETHTOOL_A_RINGS_CQE_SIZE, "cqe-size"},
                                         {ETHTOOL_A_RINGS_TX_PUSH, "tx-push"},
                                         {14, "rx-push"},
                                         {15, "tx-push-buf-len"}}};
constexpr std::array<Number, 4> kChannels{{{ETHTOOL_A_CHANNELS_RX_COUNT, "rx"},
                                           {ETHTOOL_A_CHANNELS_TX_COUNT, "tx"},
                                           {ETHTOOL_A_CHANNELS_OTHER_COUNT, "other"},
                                           {ETHTOOL_A_CHANNELS_COMBINED_COUNT, "combined"}}};
constexpr std::array<Number, 27> kCoalescing{
    {{ETHTOOL_A_COALESCE_RX_USECS, "rx-usecs"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES, "rx-frames"},
     {ETHTOOL_A_COALESCE_RX_USECS_IRQ, "rx-usecs-irq"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ, "rx-frames-irq"},
     {ETHTOOL_A_COALESCE_TX_USECS, "tx-usecs"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES, "tx-frames"},
     {ETHTOOL_A_COALESCE_TX_USECS_IRQ, "tx-usecs-irq"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ, "tx-frames-irq"},
     {ETHTOOL_A_COALESCE_STATS_BLOCK_USECS, "stats-block-usecs"},
     {ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, "adaptive-rx"},
     {ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, "adaptive-tx"},
     {ETHTOOL_A_COALESCE_PKT_RATE_LOW, "pkt-rate-low"},
     {ETHTOOL_A_COALESCE_RX_USECS_LOW, "rx-usecs-low"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW, "rx-frames-low"},
     {ETHTOOL_A_COALESCE_TX_USECS_LOW, "tx-usecs-low"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW, "tx-frames-low"},
     {ETHTOOL_A_COALESCE_PKT_RATE_HIGH, "pkt-rate-high"},
     {ETHTOOL_A_COALESCE_RX_USECS_HIGH, "rx-usecs-high"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH, "rx-frames-high"},
     {ETHTOOL_A_COALESCE_TX_USECS_HIGH, "tx-usecs-high"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH, "tx-frames-high"},
     {ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL, "sample-interval"},
     {ETHTOOL_A_COALESCE_USE_CQE_MODE_TX, "cqe-mode-tx"},
     {ETHTOOL_A_COALESCE_USE_CQE_MODE_RX, "cqe-mode-rx"},
     {26, "tx-aggr-max-bytes"},
     {27, "tx-aggr-max-frames"},
     {28, "tx-aggr-time-usecs"}}};
constexpr std::array<Number, 3> kPause{
    {{ETHTOOL_A_PAUSE_AUTONEG, "autoneg"}, {ETHTOOL_A_PAUSE_RX, "rx"}, {ETHTOOL_A_PAUSE_TX, "tx"}}};
// Not the speed and duplex, which are unknown until the link is up.
constexpr std::array<Number, 1> kLinkModes{{{ETHTOOL_A_LINKMODES_AUTONEG, "autoneg"}}};

/// One pair of GET and SET commands.
struct Section {
  const char* name;
  std::uint8_t get;
  std::uint8_t set;
  std::span<const Number> numbers;
  /// The bitset of what is wanted and that of what can be; 0: it has none.
  int wanted;
  int mask;
};

// In the order of setting: channels before what the driver has once a channel.
constexpr std::array<Section, 8> kSections{{
    {"feature",
     ETHTOOL_MSG_FEATURES_GET,
     ETHTOOL_MSG_FEATURES_SET,
     {},
     ETHTOOL_A_FEATURES_WANTED,
     ETHTOOL_A_FEATURES_HW},
    {"private flag",
     ETHTOOL_MSG_PRIVFLAGS_GET,
     ETHTOOL_MSG_PRIVFLAGS_SET,
     {},
     ETHTOOL_A_PRIVFLAGS_FLAGS,
     ETHTOOL_A_PRIVFLAGS_FLAGS},
    {"link mode", ETHTOOL_MSG_LINKMODES_GET, ETHTOOL_MSG_LINKMODES_SET, kLinkModes,
     ETHTOOL_A_LINKMODES_OURS, ETHTOOL_A_LINKMODES_OURS},
    {"wake-on-lan",
     ETHTOOL_MSG_WOL_GET,
     ETHTOOL_MSG_WOL_SET,
     {},
     ETHTOOL_A_WOL_MODES,
     ETHTOOL_A_WOL_MODES},
    {"channel", ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_MSG_CHANNELS_SET, kChannels, 0, 0},
    {"ring", ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_RINGS_SET, kRings, 0, 0},
    {"coalescing", ETHTOOL_MSG_COALESCE_GET, ETHTOOL_MSG_COALESCE_SET, kCoalescing, 0, 0},
    {"pause", ETHTOOL_MSG_PAUSE_GET, ETHTOOL_MSG_PAUSE_SET, kPause, 0, 0},
}};

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
        parse_switches(attributes.nested(section.wanted), attributes.nested(section.mask));
    if (!switches.empty()) state.switches.emplace(section.name, std::move(switches));
  } catch (const Error& error) {
    // The driver has no such thing.
    if (error.errno_value() != EOPNOTSUPP) throw;
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

/// Of a section those settings that both have, and not alike.
RawAttributes changed_numbers(const Section& section, const EthtoolState& home,
                              const EthtoolState& now) {
  RawAttributes changed;
  const auto& have = find_or_empty(now.numbers, section.name);
  for (const auto& [type, bytes] : find_or_empty(home.numbers, section.name)) {
    const auto found = have.find(type);
    if (found != have.end() && found->second != bytes) changed.emplace(type, bytes);
  }
  return changed;
}

std::map<std::string, bool> changed_switches(const Section& section, const EthtoolState& home,
                                             const EthtoolState& now) {
  std::map<std::string, bool> changed;
  const auto& have = find_or_empty(now.switches, section.name);
  for (const auto& [name, is_on] : find_or_empty(home.switches, section.name)) {
    const auto found = have.find(name);
    if (found != have.end() && found->second != is_on) changed.emplace(name, is_on);
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

EthtoolState read_ethtool(Site& site, IfIndex ifindex) {
  EthtoolState state;
  auto socket = GenericSocket::open(site.netns, ETHTOOL_GENL_NAME);
  if (!socket) return state;
  for (const auto& section : kSections) read_section(*socket, ifindex, section, state);
  return state;
}

std::vector<std::string> differences(const EthtoolState& home, const EthtoolState& now) {
  std::vector<std::string> found;
  for (const auto& section : kSections) {
    const auto& have = find_or_empty(now.numbers, section.name);
    const RawAttributes changed = changed_numbers(section, home, now);
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

void restore_ethtool(Restoration& restoration, const EthtoolState& home) {
  EthtoolState now;
  if (!attempt(restoration.failures,
               [&] { now = read_ethtool(restoration.site, restoration.ifindex); }) ||
      differences(home, now).empty()) {
    return;
  }
  auto socket = GenericSocket::open(restoration.site.netns, ETHTOOL_GENL_NAME);
  if (!socket) return;
  for (const auto& section : kSections) {
    const RawAttributes numbers = changed_numbers(section, home, now);
    const auto switches = changed_switches(section, home, now);
    if (numbers.empty() && switches.empty()) continue;
    Message message = about(*socket, section.set, restoration.ifindex,
                            restoration.doing(fmt::format("the {} settings", section.name)));
    for (const auto& [type, bytes] : numbers) message.put(type, bytes);
    if (!switches.empty()) put_switches(message, section.wanted, switches);
    restoration.step(message.doing(), [&] { socket->call(message); });
  }
}

}  // namespace netlend
