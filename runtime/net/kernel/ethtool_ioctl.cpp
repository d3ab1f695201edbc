#include "net/kernel/ethtool_ioctl.hpp"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "base/syscall.hpp"

namespace netlend {

namespace {
constexpr std::array<std::uint32_t, 10> kHashedFlows{
    TCP_V4_FLOW, UDP_V4_FLOW,  SCTP_V4_FLOW,   AH_ESP_V4_FLOW, TCP_V6_FLOW,
    UDP_V6_FLOW, SCTP_V6_FLOW, AH_ESP_V6_FLOW, IPV4_FLOW,      IPV6_FLOW};
constexpr std::array<std::uint32_t, 4> kTunables{ETHTOOL_RX_COPYBREAK, ETHTOOL_TX_COPYBREAK,
                                                 ETHTOOL_PFC_PREVENTION_TOUT,
                                                 ETHTOOL_TX_COPYBREAK_BUF_SIZE};
// More than any card's; what a driver says is not to be trusted with our memory.
constexpr std::uint32_t kTableMax = 1U << 16U;
constexpr std::uint32_t kKeyMax = 4096;
constexpr std::uint32_t kRulesMax = 1U << 16U;

/// ethtool_rxfh and what follows it. Linux 6.8 made the first reserved byte the transformation.
class HashCommand {
 public:
  HashCommand(std::uint32_t command, std::uint32_t table_entries, std::uint32_t key_bytes)
      : bytes_(sizeof(ethtool_rxfh) + table_entries * sizeof(std::uint32_t) + key_bytes) {
    header_.cmd = command;
    header_.indir_size = table_entries;
    header_.key_size = key_bytes;
    put_header();
  }
  void put_header() { std::memcpy(bytes_.data(), &header_, sizeof header_); }
  ethtool_rxfh& header() { return header_; }
  void* data() { return bytes_.data(); }
  char* config() { return bytes_.data() + offsetof(ethtool_rxfh, rss_config); }
  void take() { std::memcpy(&header_, bytes_.data(), sizeof header_); }

 private:
  std::vector<char> bytes_;
  ethtool_rxfh header_{};  // last: it has a flexible array member
};

/// ethtool_tunable and a value of 16 or 32 bits behind it.
class TunableCommand {
 public:
  TunableCommand(std::uint32_t command, std::uint32_t id, std::uint32_t value = 0)
      : is_short_(id == ETHTOOL_PFC_PREVENTION_TOUT) {
    ethtool_tunable header{};
    header.cmd = command;
    header.id = id;
    header.type_id = is_short_ ? ETHTOOL_TUNABLE_U16 : ETHTOOL_TUNABLE_U32;
    header.len = is_short_ ? sizeof(std::uint16_t) : sizeof(std::uint32_t);
    std::memcpy(bytes_.data(), &header, sizeof header);
    const auto low = static_cast<std::uint16_t>(value);
    std::memcpy(value_at(), is_short_ ? static_cast<const void*>(&low) : &value, header.len);
  }
  void* data() { return bytes_.data(); }
  std::uint32_t value() {
    std::uint16_t low = 0;
    std::uint32_t all = 0;
    std::memcpy(&low, value_at(), sizeof low);
    std::memcpy(&all, value_at(), sizeof all);
    return is_short_ ? low : all;
  }

 private:
  char* value_at() { return bytes_.data() + sizeof(ethtool_tunable); }

  bool is_short_;
  std::array<char, sizeof(ethtool_tunable) + sizeof(std::uint32_t)> bytes_{};
};

UniqueFd open_socket(const Netns& netns, const std::string& device) {
  UniqueFd socket;
  run_in_netns(netns, [&] {
    socket = UniqueFd{
        check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket for", device)};
  });
  return socket;
}
}  // namespace

EthtoolIoctl::EthtoolIoctl(const Netns& netns, std::string device)
    : socket_(open_socket(netns, device)), device_(std::move(device)) {}

bool EthtoolIoctl::try_call(void* command, const char* doing) const {
  ifreq request{};
  if (device_.size() >= sizeof request.ifr_name) throw_errno(ENAMETOOLONG, doing, device_);
  std::copy(device_.begin(), device_.end(), std::begin(request.ifr_name));
  request.ifr_data = static_cast<char*>(command);
  if (::ioctl(socket_.get(), SIOCETHTOOL, &request) == 0) return true;
  // Some drivers say EINVAL of what they haven't; and one that is down ENETDOWN, EIO or ENODEV.
  constexpr std::array kHasNot{EOPNOTSUPP, EINVAL, ENETDOWN, EIO, ENODEV};
  if (std::find(kHasNot.begin(), kHasNot.end(), errno) != kHasNot.end()) return false;
  throw_errno(errno, doing, device_);
}

void EthtoolIoctl::call(void* command, const char* doing) const {
  if (!try_call(command, doing)) throw_errno(errno, doing, device_);
}

std::optional<ReceiveHash> EthtoolIoctl::hash() const {
  constexpr auto* kDoing = "read the receive hash of";
  HashCommand sizes(ETHTOOL_GRSSH, 0, 0);
  if (!try_call(sizes.data(), kDoing)) return std::nullopt;
  sizes.take();
  const std::uint32_t entries = sizes.header().indir_size;
  const std::uint32_t key_bytes = sizes.header().key_size;
  if (entries > kTableMax || key_bytes > kKeyMax) throw_errno(EMSGSIZE, kDoing, device_);
  HashCommand all(ETHTOOL_GRSSH, entries, key_bytes);
  if (!try_call(all.data(), kDoing)) return std::nullopt;
  all.take();
  const std::size_t table_bytes = entries * sizeof(std::uint32_t);
  return ReceiveHash{.table = {all.config(), table_bytes},
                     .key = {all.config() + table_bytes, key_bytes},
                     .function = all.header().hfunc,
                     .transform = all.header().rsvd8[0]};
}

void EthtoolIoctl::set_hash(const ReceiveHash& hash) const {
  const auto entries = static_cast<std::uint32_t>(hash.table.size() / sizeof(std::uint32_t));
  // 0 would make it the default one.
  HashCommand all(ETHTOOL_SRSSH, entries, static_cast<std::uint32_t>(hash.key.size()));
  if (entries == 0) all.header().indir_size = ETH_RXFH_INDIR_NO_CHANGE;
  all.header().hfunc = hash.function;
  all.header().rsvd8[0] = hash.transform;
  all.put_header();
  std::copy(hash.table.begin(), hash.table.end(), all.config());
  std::copy(hash.key.begin(), hash.key.end(), all.config() + entries * sizeof(std::uint32_t));
  call(all.data(), "set the receive hash of");
}

std::map<std::uint32_t, std::uint64_t> EthtoolIoctl::hashed_fields() const {
  std::map<std::uint32_t, std::uint64_t> fields;
  for (const std::uint32_t flow : kHashedFlows) {
    ethtool_rxnfc command{};
    command.cmd = ETHTOOL_GRXFH;
    command.flow_type = flow;
    if (try_call(&command, "read what is hashed of")) fields.emplace(flow, command.data);
  }
  return fields;
}

void EthtoolIoctl::set_hashed_fields(std::uint32_t flow_type, std::uint64_t fields) const {
  ethtool_rxnfc command{};
  command.cmd = ETHTOOL_SRXFH;
  command.flow_type = flow_type;
  command.data = fields;
  call(&command, "set what is hashed of");
}

std::map<std::uint32_t, std::string> EthtoolIoctl::rules() const {
  constexpr auto* kDoing = "read the steering rules of";
  std::map<std::uint32_t, std::string> rules;
  ethtool_rxnfc count{};
  count.cmd = ETHTOOL_GRXCLSRLCNT;
  if (!try_call(&count, kDoing) || count.rule_cnt == 0) return rules;
  if (count.rule_cnt > kRulesMax) throw_errno(EMSGSIZE, kDoing, device_);
  std::vector<char> list(sizeof(ethtool_rxnfc) + count.rule_cnt * sizeof(std::uint32_t));
  ethtool_rxnfc header{};
  header.cmd = ETHTOOL_GRXCLSRLALL;
  header.rule_cnt = count.rule_cnt;
  std::memcpy(list.data(), &header, sizeof header);
  call(list.data(), kDoing);
  std::memcpy(&header, list.data(), sizeof header);
  for (std::uint32_t i = 0; i < std::min(header.rule_cnt, count.rule_cnt); ++i) {
    ethtool_rxnfc rule{};
    rule.cmd = ETHTOOL_GRXCLSRULE;
    std::memcpy(&rule.fs.location,
                list.data() + offsetof(ethtool_rxnfc, rule_locs) + i * sizeof(std::uint32_t),
                sizeof rule.fs.location);
    call(&rule, kDoing);
    const std::uint32_t context = (rule.fs.flow_type & FLOW_RSS) != 0 ? rule.rss_context : 0;
    std::string bytes(reinterpret_cast<const char*>(&context), sizeof context);
    bytes.append(reinterpret_cast<const char*>(&rule.fs), sizeof rule.fs);
    rules.emplace(rule.fs.location, std::move(bytes));
  }
  return rules;
}

void EthtoolIoctl::add_rule(const std::string& rule) const {
  constexpr auto* kDoing = "add a steering rule to";
  ethtool_rxnfc command{};
  std::uint32_t context = 0;
  if (rule.size() != sizeof context + sizeof command.fs) throw_errno(EBADMSG, kDoing, device_);
  std::memcpy(&context, rule.data(), sizeof context);
  std::memcpy(&command.fs, rule.data() + sizeof context, sizeof command.fs);
  command.cmd = ETHTOOL_SRXCLSRLINS;
  command.rss_context = context;
  call(&command, kDoing);
}

void EthtoolIoctl::remove_rule(std::uint32_t location) const {
  ethtool_rxnfc command{};
  command.cmd = ETHTOOL_SRXCLSRLDEL;
  command.fs.location = location;
  call(&command, "remove a steering rule of");
}

std::map<std::uint32_t, std::uint32_t> EthtoolIoctl::tunables() const {
  std::map<std::uint32_t, std::uint32_t> values;
  for (const std::uint32_t id : kTunables) {
    TunableCommand command(ETHTOOL_GTUNABLE, id);
    if (try_call(command.data(), "read the tunables of")) values.emplace(id, command.value());
  }
  return values;
}

void EthtoolIoctl::set_tunable(std::uint32_t id, std::uint32_t value) const {
  TunableCommand command(ETHTOOL_STUNABLE, id, value);
  call(command.data(), "set a tunable of");
}

}  // namespace netlend
