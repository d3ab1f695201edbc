#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/kernel/route.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// Notes of each route through the device, as list_routes() lists them, where it stands among those
/// through other devices. Left out is what the kernel makes for each device by itself, fe80::/64.
void place_routes(RouteSocket& socket, IfIndex ifindex, std::vector<RouteRecord>& routes);

/// The same of routes through any devices among all that aren't of these.
void place_routes(RouteSocket& socket, std::vector<DeviceRoute>& routes);

/// Adds what routes of devices that are away said when these left, `away`: one that stood behind
/// its equals has these before it, and the other way round.
void place_beside(const std::vector<RouteRecord>& away, const std::vector<RouteRecord*>& routes);

/// Why a route can't be given its place again; nothing: it can. IPv4 adds before or behind its
/// equals, IPv6 behind them only (net/ipv4/fib_trie.c, fib_table_insert; net/ipv6/ip6_fib.c,
/// fib6_add_rt2node); seen on 6.18 and 6.12.
std::optional<std::string> why_not_placeable(const RouteRecord& route);

}  // namespace netlend
