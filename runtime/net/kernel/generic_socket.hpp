#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/kernel/message.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// A conversation with one family of generic netlink in one network namespace.
/// Source: Documentation/networking/generic_netlink.rst, include/uapi/linux/genetlink.h.
class GenericSocket {
 public:
  /// Nothing where the kernel has no such family.
  static std::optional<GenericSocket> open(const Netns& netns, const std::string& family);

  /// An empty request of the family, to put attributes into.
  Message request(std::uint8_t command, std::string doing) const;
  /// Sends and waits for the ACK. Throws Error.
  void call(const Message& message) { socket_.call(message); }
  /// As RouteSocket's.
  std::optional<Reply> find(const Message& message) { return socket_.find(message); }
  std::vector<Reply> dump(const Message& message) { return socket_.dump(message); }
  /// The attributes of its one answer are those of the reply behind `genlmsghdr`. Throws Error.
  Reply get(const Message& message) { return socket_.get(message); }

 private:
  GenericSocket(RouteSocket socket, std::uint16_t family)
      : socket_(std::move(socket)), family_(family) {}

  RouteSocket socket_;
  std::uint16_t family_;
};

}  // namespace netlend
