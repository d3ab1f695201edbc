#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/ethtool_ioctl.hpp"
#include "net/kernel/site.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// How a card steers what it receives, and its tunables: what EthtoolIoctl reads.
struct Steering {
  std::optional<ReceiveHash> hash;
  std::map<std::uint32_t, std::uint64_t> hashed_fields;
  std::map<std::uint32_t, std::string> rules;
  std::map<std::uint32_t, std::uint32_t> tunables;
  bool operator==(const Steering&) const = default;
};

Steering read_steering(Site& site, const std::string& device);

/// What `now` has not as `home` had it, a sentence each.
std::vector<std::string> differences(const Steering& home, const Steering& now);

/// Sets what differs from `home`, and nothing else.
void restore_steering(Restoration& restoration, const Steering& home);

/// In the words of the report of `plan`, what comes home.
std::vector<std::string> describe(const Steering& steering);

}  // namespace netlend
