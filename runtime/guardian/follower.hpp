#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "net/kernel/identity.hpp"
#include "net/kernel/netns.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend {

/// Goes after virtual devices that their borrower moves on to other network namespaces, which it
/// holds while they are there: with its namespace a virtual device is gone. One whose mark was
/// taken off is marked again, so that whoever gives back finds it. Hardware is found without, and
/// survives its namespace. It loses the track of a device that is moved on to a namespace without a
/// name and without a process, or once more before it was looked at.
/// Source: RTM_DELLINK with IFLA_NEW_NETNSID and IFLA_NEW_IFINDEX, net/core/dev.c,
/// __dev_change_net_namespace.
class Follower {
 public:
  /// Follows from now on what is where it was lent to. Holds the borrower's namespace.
  Follower(const StateDirectory& state, const Ledger& ledger) noexcept;

  /// Readable when a device was moved or deleted.
  std::vector<int> fds() const;
  /// Reads where to. Whatever comes home, or is lost track of, isn't followed any more.
  void follow() noexcept;
  /// Marks again what was moved on, whatever became of its mark meanwhile.
  void mark() const noexcept;

 private:
  struct Move {
    /// Of the new namespace, as the old one numbers it.
    std::uint32_t nsid;
    IfIndex ifindex;
  };
  struct Device {
    std::string mark;
    DeviceIdentity identity;
    Netns netns;
    IfIndex ifindex;
    /// In that namespace; readable when the device has left it.
    UniqueFd moves;
    bool was_moved_on = false;

    void mark_it() const;
  };
  static std::optional<Move> next_move(const Device& device);
  bool keep_up(Device& device) const;
  bool is_away(const Device& device) const;

  const StateDirectory& state_;
  std::string ledger_name_;
  NetnsIdentity home_;
  std::vector<Device> devices_;
};

}  // namespace netlend
