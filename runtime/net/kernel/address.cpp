#include "net/kernel/address.hpp"

#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/route/rtnl.h>
#include <sys/socket.h>
#include <sys/times.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <set>

#include "base/error.hpp"
#include "base/syscall.hpp"

namespace netlend {

namespace {
// Newer than Debian 12's headers (include/uapi/linux/if_addr.h).
constexpr std::uint16_t kAddressProtocol = 11;
// Of L3 network namespaces (kernel/patches/6.12): IFA_L3NS_FD, IFA_L3NS_ID.
constexpr int kOwnerDescriptor = 12;
constexpr std::uint16_t kOwnerId = 13;
constexpr std::uint32_t kForever = 0xffffffff;
// What inet_rtm_newaddr() and inet6_rtm_newaddr() take from a user; the rest the kernel decides.
constexpr std::uint32_t kWritableFlags = IFA_F_NODAD | IFA_F_OPTIMISTIC | IFA_F_HOMEADDRESS |
                                         IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE |
                                         IFA_F_MCAUTOJOIN;
constexpr std::uint32_t kVolatileFlags =
    IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_OPTIMISTIC | IFA_F_DEPRECATED;
constexpr std::int64_t kCsPerSecond = 100;

/// Now by the clock that the kernel stamps addresses with: hundredths of a second of its jiffies,
/// which lag behind CLOCK_MONOTONIC by a different while on each machine. times(2) tells them,
/// counted from 300 s before a 32-bit counter of them would wrap (include/linux/jiffies.h,
/// INITIAL_JIFFIES); how many a second has, it doesn't tell, but only one answer is near the
/// uptime.
std::int64_t now_cs() {
  constexpr std::array<std::int64_t, 8> kTicksPerSecond{100, 250, 300, 1000, 128, 256, 512, 1024};
  constexpr std::int64_t kCounterSpan = std::int64_t{1} << 32;
  constexpr std::int64_t kStartBeforeWrapCs = 30'000;
  tms unused{};
  const std::int64_t ticks = ::times(&unused);
  const std::int64_t uptime_cs = monotonic_ms() / 10;
  std::int64_t best = 0;
  for (const std::int64_t hz : kTicksPerSecond) {
    const std::int64_t now = ticks - (kCounterSpan * kCsPerSecond / hz - kStartBeforeWrapCs);
    if (hz == kTicksPerSecond[0] || std::abs(now - uptime_cs) < std::abs(best - uptime_cs)) {
      best = now;
    }
  }
  return best;
}

// The kernel sends the whole seconds that are left and the time of the last change. The deadline is
// the one moment in the second before now + left whose fraction is that of the change, which makes
// it exact: two readings of one address give one deadline.
struct Deadline {
  std::int64_t at_s = 0;
  /// At the turn of a second of the address's age, ours and the kernel's idea of the age may
  /// differ.
  bool is_ambiguous = false;
};

Deadline deadline(std::uint32_t left_s, std::uint32_t changed_cs, std::int64_t read_at_cs) {
  constexpr std::int64_t kMarginCs = 3;
  // The stamp has 32 bits, and so wraps.
  const std::int64_t age_cs = static_cast<std::uint32_t>(read_at_cs) - changed_cs;
  const std::int64_t phase = age_cs % kCsPerSecond;
  const std::int64_t at_cs = read_at_cs - phase + std::int64_t{left_s} * kCsPerSecond;
  return {.at_s = at_cs / kCsPerSecond,
          .is_ambiguous = phase < kMarginCs || phase >= kCsPerSecond - kMarginCs};
}

std::uint32_t seconds_left(const std::optional<std::int64_t>& until_s) {
  if (!until_s) return kForever;
  const std::int64_t left = *until_s - now_cs() / kCsPerSecond;
  return left < 1 ? 1 : static_cast<std::uint32_t>(left);
}

struct Parsed {
  AddressRecord record;
  bool ambiguous = false;
};

Parsed parse_address(const Reply& reply, std::int64_t read_at_cs) {
  const auto header = reply.header<ifaddrmsg>();
  const Attributes attributes = reply.attributes(sizeof header);
  Parsed parsed;
  AddressRecord& record = parsed.record;
  record.family = header.ifa_family;
  record.length_bits = header.ifa_prefixlen;
  record.scope = header.ifa_scope;
  record.flags = attributes.u32(IFA_FLAGS).value_or(header.ifa_flags);
  for (const auto& [type, bytes] : attributes.all()) {
    if (type != IFA_CACHEINFO && type != IFA_FLAGS) record.attributes.emplace(type, bytes);
  }
  const auto cache = attributes.find(IFA_CACHEINFO);
  if (!cache || cache->size() < sizeof(ifa_cacheinfo)) return parsed;
  ifa_cacheinfo info;
  std::memcpy(&info, cache->data(), sizeof info);
  if (info.ifa_valid != kForever) {
    const Deadline valid = deadline(info.ifa_valid, info.tstamp, read_at_cs);
    record.valid_until_s = valid.at_s;
    parsed.ambiguous = valid.is_ambiguous;
  }
  if (info.ifa_prefered == 0) {
    record.preferred_until_s = 0;  // Deprecated, since when the kernel doesn't tell.
  } else if (info.ifa_prefered != kForever) {
    const Deadline preferred = deadline(info.ifa_prefered, info.tstamp, read_at_cs);
    record.preferred_until_s = preferred.at_s;
    parsed.ambiguous = preferred.is_ambiguous;
  }
  return parsed;
}

std::vector<Reply> dump_family(RouteSocket& socket, IfIndex ifindex, int family) {
  Message message(RTM_GETADDR, 0, fmt::format("list the addresses of device {}", ifindex.value));
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(family);
  header.ifa_index = static_cast<std::uint32_t>(ifindex.value);
  message.header(header);
  try {
    return socket.dump(message);
  } catch (const Error& error) {
    // Anything else taken for "none" would lose them: it is what the device gets back.
    if (is_no_ipv6(error, family)) return {};
    throw;
  }
}

void put_header(Message& message, IfIndex ifindex, const AddressRecord& address) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(address.family);
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.length_bits);
  header.ifa_scope = address.scope;
  header.ifa_index = static_cast<std::uint32_t>(ifindex.value);
  message.header(header);
}

std::string flags_text(std::uint32_t flags) {
  struct Flag {
    std::uint32_t bit;
    const char* name;
  };
  constexpr std::array kFlags{Flag{IFA_F_NODAD, "nodad"},
                              Flag{IFA_F_HOMEADDRESS, "home"},
                              Flag{IFA_F_MANAGETEMPADDR, "mngtmpaddr"},
                              Flag{IFA_F_NOPREFIXROUTE, "noprefixroute"},
                              Flag{IFA_F_MCAUTOJOIN, "autojoin"},
                              Flag{IFA_F_STABLE_PRIVACY, "stable-privacy"}};
  std::string out;
  for (const auto& flag : kFlags) {
    if ((flags & flag.bit) != 0) out += fmt::format(" {}", flag.name);
  }
  return out;
}
}  // namespace

IpAddress AddressRecord::address() const {
  const auto local = attributes.find(IFA_LOCAL);
  if (local != attributes.end()) return IpAddress::from_bytes(local->second);
  const auto plain = attributes.find(IFA_ADDRESS);
  if (plain == attributes.end()) throw Error("an address message without an address");
  return IpAddress::from_bytes(plain->second);
}

bool AddressRecord::is_tentative() const noexcept {
  return (flags & IFA_F_TENTATIVE) != 0 && !is_duplicate();
}
bool AddressRecord::is_duplicate() const noexcept { return (flags & IFA_F_DADFAILED) != 0; }
bool AddressRecord::is_permanent() const noexcept { return (flags & IFA_F_PERMANENT) != 0; }

bool AddressRecord::is_over(std::int64_t now_ms) const noexcept {
  constexpr std::int64_t kMsPerSecond = 1000;
  return valid_until_s && *valid_until_s <= now_ms / kMsPerSecond;
}

bool AddressRecord::is_link_local_ipv6() const {
  return family == AF_INET6 && address().is_link_local();
}

bool is_no_ipv6(const Error& error, int family) {
  return family == AF_INET6 && error.errno_value() == EOPNOTSUPP &&
         ::access("/proc/net/if_inet6", F_OK) == -1;
}

bool AddressRecord::is_same_as(const AddressRecord& other) const {
  AddressRecord mine = *this;
  AddressRecord theirs = other;
  mine.flags &= ~kVolatileFlags;
  theirs.flags &= ~kVolatileFlags;
  return mine == theirs;
}

std::vector<AddressRecord> list_addresses(RouteSocket& socket, IfIndex ifindex) {
  for (;;) {
    std::vector<AddressRecord> records;
    bool ambiguous = false;
    for (const int family : {AF_INET, AF_INET6}) {
      const std::int64_t read_at_cs = now_cs();
      for (const auto& reply : dump_family(socket, ifindex, family)) {
        if (reply.type() != RTM_NEWADDR) continue;
        Parsed parsed = parse_address(reply, read_at_cs);
        ambiguous = ambiguous || parsed.ambiguous;
        records.push_back(std::move(parsed.record));
      }
    }
    // Some hundredths of each second are ambiguous, others for each address.
    if (!ambiguous) return records;
  }
}

std::vector<DeviceAddress> find_address(RouteSocket& socket, const IpAddress& address) {
  std::vector<DeviceAddress> found;
  std::set<IfIndex> devices;
  for (const auto& reply : dump_family(socket, {}, address.family())) {
    if (reply.type() != RTM_NEWADDR || parse_address(reply, 0).record.address() != address)
      continue;
    devices.insert({static_cast<int>(reply.header<ifaddrmsg>().ifa_index)});
  }
  for (const IfIndex device : devices) {
    for (auto& record : list_addresses(socket, device)) {
      if (record.address() == address) found.push_back({device, std::move(record)});
    }
  }
  return found;
}

IpPrefix network_of(const AddressRecord& address) {
  return IpPrefix{address.address(), address.length_bits}.network();
}

std::string describe(const AddressRecord& address) {
  std::string out = fmt::format("{}", address.address().str());
  const std::string peer = address_text(address.attributes, IFA_ADDRESS);
  if (peer != address.address().str() && !peer.empty()) out += fmt::format(" peer {}", peer);
  out += fmt::format("/{}", address.length_bits);
  const std::string broadcast = address_text(address.attributes, IFA_BROADCAST);
  if (!broadcast.empty()) out += fmt::format(" brd {}", broadcast);
  std::array<char, 32> scope{};
  out += fmt::format(" scope {}", ::rtnl_scope2str(address.scope, scope.data(), scope.size()));
  const auto label = address.attributes.find(IFA_LABEL);
  if (label != address.attributes.end()) {
    out += fmt::format(" label {}", label->second.substr(0, label->second.find('\0')));
  }
  const auto metric = address.attributes.find(IFA_RT_PRIORITY);
  if (metric != address.attributes.end() && metric->second.size() == sizeof(std::uint32_t)) {
    std::uint32_t value = 0;
    std::memcpy(&value, metric->second.data(), sizeof value);
    out += fmt::format(" metric {}", value);
  }
  const auto protocol = address.attributes.find(kAddressProtocol);
  if (protocol != address.attributes.end() && !protocol->second.empty()) {
    out += fmt::format(" proto {}", static_cast<int>(protocol->second[0]));
  }
  out += flags_text(address.flags);
  if (address.valid_until_s) out += fmt::format(" valid until uptime {} s", *address.valid_until_s);
  if (address.preferred_until_s) {
    out += fmt::format(" preferred until uptime {} s", *address.preferred_until_s);
  }
  return out;
}

Message add_address(IfIndex ifindex, const AddressRecord& address, std::string doing) {
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, std::move(doing));
  put_header(message, ifindex, address);
  for (const auto& [type, bytes] : address.attributes) message.put(type, bytes);
  message.put_u32(IFA_FLAGS, address.flags & kWritableFlags);
  if (address.valid_until_s || address.preferred_until_s) {
    ifa_cacheinfo info{};
    info.ifa_valid = seconds_left(address.valid_until_s);
    const bool deprecated = (address.flags & IFA_F_DEPRECATED) != 0;
    info.ifa_prefered =
        deprecated ? 0 : std::min(seconds_left(address.preferred_until_s), info.ifa_valid);
    message.put(IFA_CACHEINFO, {reinterpret_cast<const char*>(&info), sizeof info});
  }
  return message;
}

Message remove_address(IfIndex ifindex, const AddressRecord& address, std::string doing) {
  Message message(RTM_DELADDR, 0, std::move(doing));
  put_header(message, ifindex, address);
  for (const std::uint16_t type : {IFA_LOCAL, IFA_ADDRESS}) {
    const auto found = address.attributes.find(type);
    if (found != address.attributes.end()) message.put(type, found->second);
  }
  return message;
}

std::optional<std::uint32_t> owner_of(const AddressRecord& address) {
  const auto owner = address.attributes.find(kOwnerId);
  std::uint32_t id = 0;
  if (owner == address.attributes.end() || owner->second.size() != sizeof id) return std::nullopt;
  std::memcpy(&id, owner->second.data(), sizeof id);
  return id;
}

Message give_address(IfIndex ifindex, const AddressRecord& address, int netns_fd,
                     std::string doing) {
  AddressRecord given = address;
  given.attributes.erase(kOwnerId);
  Message message = add_address(ifindex, given, std::move(doing));
  message.put_u32(kOwnerDescriptor, static_cast<std::uint32_t>(netns_fd));
  return message;
}

std::optional<std::string> why_not_writable(const AddressRecord& address) {
  if (const auto owner = owner_of(address)) {
    return fmt::format("is that of an L3 network namespace, number {}", *owner);
  }
  if (address.family == AF_INET6 && (address.flags & IFA_F_TEMPORARY) != 0) {
    return "is a temporary privacy address, which only the kernel makes";
  }
  if ((address.flags & IFA_F_STABLE_PRIVACY) != 0) {
    return "is a stable privacy address, which only the kernel makes";
  }
  return std::nullopt;
}

AddressRecord make_address(const IpPrefix& prefix, bool dad) {
  AddressRecord record;
  record.family = prefix.family();
  record.length_bits = prefix.length_bits();
  record.scope = prefix.address().is_link_local() && prefix.family() == AF_INET6
                     ? RT_SCOPE_LINK
                     : RT_SCOPE_UNIVERSE;
  const std::string bytes(prefix.address().bytes());
  record.attributes.emplace(IFA_LOCAL, bytes);
  record.attributes.emplace(IFA_ADDRESS, bytes);
  constexpr int kLongestWithBroadcast = 30;
  if (prefix.family() == AF_INET && prefix.length_bits() <= kLongestWithBroadcast) {
    std::string broadcast(prefix.network().address().bytes());
    for (int bit = prefix.length_bits(); bit < prefix.address().bits(); ++bit) {
      auto& byte = broadcast[static_cast<std::size_t>(bit / 8)];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | (0x80U >> (bit % 8)));
    }
    record.attributes.emplace(IFA_BROADCAST, broadcast);
  }
  record.flags = IFA_F_PERMANENT;
  if (prefix.family() == AF_INET6 && !dad) record.flags |= IFA_F_NODAD;
  return record;
}

}  // namespace netlend
