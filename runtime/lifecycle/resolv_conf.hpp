#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/kernel/names.hpp"

namespace netlend {

/// What the container's /etc/resolv.conf is to say.
struct ResolvConf {
  /// Absent: there is no such file.
  std::optional<std::string> content;
  /// What the user should know about it, if anything.
  std::optional<std::string> note;
  bool operator==(const ResolvConf&) const = default;
};

/// The servers of `--dns` if there are any, else the text of the host's file (absent if it has
/// none). Where the host's servers are all loopback addresses, which inside lead nowhere, it is
/// empty and a note says so. Source: resolv.conf(5).
ResolvConf choose_resolv_conf(const std::vector<IpAddress>& dns,
                              const std::optional<std::string>& host);

}  // namespace netlend
