#pragma once

#include <linux/if_addr.h>
#include <linux/netlink.h>

#include <set>
#include <string>

#include "base/unique_fd.hpp"
#include "net/kernel/message.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend {

/// Tells that home has changed in something that lent addresses go by: a device or address of it, a
/// pair, a route from a lent address, or whether it is a router. For the process that stays with
/// the borrower, which is at home and has nothing open there but a socket.
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
  bool concerns_us(const ifaddrmsg& message, const Attributes& attributes) const;

  /// The devices of the addresses, the pairs, and those that have other sysctls for them.
  std::set<int> devices_;
  /// The ends at home of the pairs.
  std::set<int> pair_devices_;
  /// The names of the pairs.
  std::set<std::string> pairs_;
  std::set<std::string> addresses_;  // raw bytes
  /// That home speaks from meanwhile, as raw bytes; one that is empty is sought.
  std::set<std::string> substitutes_;
  UniqueFd events_;
};

}  // namespace netlend
