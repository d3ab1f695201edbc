#pragma once

#include <linux/netlink.h>

#include <set>
#include <string>

#include "base/unique_fd.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend {

/// Tells that home has changed in something that lent addresses go by: a device or address of it, a
/// route from a lent address, or whether it is a router. For the process that stays with the
/// borrower, which is at home and has nothing open there but a socket.
class UplinkWatch {
 public:
  /// Listens from now on. Throws Error.
  explicit UplinkWatch(const Ledger& ledger);

  /// Readable when something has changed.
  int fd() const noexcept { return events_.get(); }
  /// What the ledger says by now.
  void follow(const Ledger& ledger);
  /// Reads what has changed; whether anything did that concerns the ledger.
  bool has_changed() noexcept;

 private:
  bool concerns_us(const nlmsghdr& message) const;

  /// The devices of the addresses, and those that have other sysctls for them.
  std::set<int> devices_;
  std::set<std::string> addresses_;  // raw bytes
  UniqueFd events_;
};

}  // namespace netlend
