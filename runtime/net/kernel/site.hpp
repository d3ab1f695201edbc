#pragma once

#include <utility>

#include "net/kernel/netns.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// A network namespace and our conversation with it.
struct Site {
  explicit Site(Netns where) : netns(std::move(where)), socket(netns) {}

  Netns netns;
  RouteSocket socket;
};

}  // namespace netlend
