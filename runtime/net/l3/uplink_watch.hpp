#pragma once

#include "base/unique_fd.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend {

/// Sees to it that home goes on answering for lent addresses: the kernel forgets to when their
/// device is set down. For the process that stays with the borrower, which is at home and has
/// nothing open there but a socket.
class UplinkWatch {
 public:
  /// Listens from now on. Throws Error.
  UplinkWatch(const StateDirectory& state, const Ledger& ledger);

  /// Readable when a device has changed.
  int fd() const noexcept { return events_.get(); }
  /// Reads what has changed, and enters again what is missing on a device that came up, unless it
  /// is being given back.
  void renew() noexcept;

 private:
  struct Answered {
    IfIndex device;
    IpAddress address;
  };
  bool has_changed();
  void answer_again();

  const StateDirectory& state_;
  std::string ledger_name_;
  std::vector<Answered> answered_;
  UniqueFd events_;
};

}  // namespace netlend
