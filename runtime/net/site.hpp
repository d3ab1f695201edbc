#pragma once

#include <utility>

#include "net/netns.hpp"
#include "net/route_socket.hpp"

namespace netlend {

/// A network namespace and our conversation with it.
struct Site {
  explicit Site(Netns where) : netns(std::move(where)), socket(netns) {}

  Netns netns;
  RouteSocket socket;
};

}  // namespace netlend
