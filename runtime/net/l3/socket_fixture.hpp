#pragma once

#include <cstdint>
#include <string>

#include "support/lab.hpp"

/// Sockets in network namespaces; without a Sleeper, in that of the test.
namespace netlend::test {

inline constexpr std::uint16_t kListenerPort = 80;

/// Says its name to everybody who connects to its port of any address, IPv4 and IPv6.
class Listener {
 public:
  Listener(const Sleeper* where, const std::string& name, std::uint16_t port = kListenerPort);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

 private:
  pid_t pid_ = -1;
};

/// What the listener at a port of `address` says, or "ECONNREFUSED", "ETIMEDOUT", ...
std::string ask_listener(const Sleeper& from, const std::string& address,
                         std::uint16_t port = kListenerPort);

/// How a source address that isn't one's own is claimed.
enum class Bind { plain, free, transparent, raw };

/// The errno of bind(2); 0: it was bound.
int bind_error(const Sleeper* where, const std::string& address, Bind how);

struct Claim {
  const Sleeper& sender;
  /// That it has, to say when the claim must have arrived.
  std::string own;
  std::string claimed;
  Bind how;
};

/// Whether a datagram from the claimed address arrives at `to`, which is the receiver's.
bool is_heard(const Claim& claim, const Sleeper* receiver, const std::string& to);

/// A router there announces itself once to all on the link of `device`.
void advertise_router(const Sleeper& where, const std::string& device);

}  // namespace netlend::test
