#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// The hash that spreads received packets over queues (RSS), of the default context.
struct ReceiveHash {
  /// A queue for each value of the hash, as 32-bit numbers of the machine.
  std::string table;
  std::string key;
  /// ETH_RSS_HASH_*, a bit, and RXH_XFRM_*; 0: none is told.
  std::uint8_t function = 0;
  std::uint8_t transform = 0;
  bool operator==(const ReceiveHash&) const = default;
};

/// What ethtool(8) sets of one device and netlink doesn't, in a kernel of 6.12: the ioctl takes it.
/// What a driver hasn't is absent. All throw SysError.
/// Source: net/ethtool/ioctl.c, include/uapi/linux/ethtool.h.
class EthtoolIoctl {
 public:
  /// `device`: its name in that namespace at this moment.
  EthtoolIoctl(const Netns& netns, std::string device);

  std::optional<ReceiveHash> hash() const;
  void set_hash(const ReceiveHash& hash) const;

  /// By flow type (TCP_V4_FLOW, ...) the RXH_* that its packets are hashed by.
  std::map<std::uint32_t, std::uint64_t> hashed_fields() const;
  void set_hashed_fields(std::uint32_t flow_type, std::uint64_t fields) const;

  /// The rules that steer what matches them, by location: a RSS context, and ethtool_rx_flow_spec.
  std::map<std::uint32_t, std::string> rules() const;
  void add_rule(const std::string& rule) const;
  void remove_rule(std::uint32_t location) const;

  /// By ETHTOOL_RX_COPYBREAK and the others of its kind.
  std::map<std::uint32_t, std::uint32_t> tunables() const;
  void set_tunable(std::uint32_t id, std::uint32_t value) const;

 private:
  /// False where the driver has no such thing.
  bool try_call(void* command, const char* doing) const;
  void call(void* command, const char* doing) const;

  UniqueFd socket_;
  std::string device_;
};

}  // namespace netlend
