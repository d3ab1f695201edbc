#pragma once

#include <optional>
#include <utility>

#include "base/unique_fd.hpp"
#include "net/kernel/netns.hpp"
#include "net/kernel/route_socket.hpp"
#include "net/kernel/sysfs.hpp"

namespace netlend {

/// A network namespace and our conversation with it.
struct Site {
  explicit Site(Netns where) : netns(std::move(where)), socket(netns) {}

  /// Its sysfs, which is opened for the first who asks: see open_sysfs().
  const std::optional<UniqueFd>& sysfs() {
    if (!sysfs_) sysfs_ = open_sysfs(netns);
    return sysfs_;
  }

  Netns netns;
  RouteSocket socket;

 private:
  std::optional<UniqueFd> sysfs_;
};

}  // namespace netlend
