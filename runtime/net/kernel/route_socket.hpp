#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "net/kernel/message.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// A conversation with rtnetlink in one network namespace, which it goes on reaching wherever the
/// process is. It keeps that namespace alive. Strict checking and extended ACKs are on: every error
/// has the kernel's own text. Source: netlink(7), rtnetlink(7).
class RouteSocket {
 public:
  /// `protocol`: NETLINK_*, for the families that are spoken as rtnetlink is.
  explicit RouteSocket(const Netns& netns, int protocol = NETLINK_ROUTE);

  /// Sends and waits for the ACK. Throws Error "DOING: TEXT (ENAME)".
  void call(const Message& message);
  /// As call(), for a protocol that takes changes only between the two ends of a batch.
  /// Source: include/uapi/linux/netfilter/nfnetlink.h.
  void call_in_batch(const Message& message, std::uint16_t subsystem);
  /// Sends a GET and returns its one answer. Throws Error (ENODEV, ENOENT, ...).
  Reply get(const Message& message);
  /// As get(), but nothing where the kernel knows no such object (ENODEV, ENOENT, ESRCH).
  std::optional<Reply> find(const Message& message);
  /// What becomes of one of many answers. After `enough` the rest stays with the socket, which
  /// can't ask for many any more (EBUSY).
  enum class Take { yes, no, enough };
  static Take take_if(bool is_wanted) { return is_wanted ? Take::yes : Take::no; }
  using Filter = std::function<Take(const Reply&)>;
  /// Sends a GET with NLM_F_DUMP and returns all answers, or those that the filter takes; asks
  /// again where the kernel says that the dump was interrupted (NLM_F_DUMP_INTR).
  std::vector<Reply> dump(const Message& message, const Filter& filter = {});

 private:
  struct Answer {
    const Filter& filter;
    std::vector<Reply> replies;
    bool interrupted = false;
  };

  /// talk() for what changes nothing.
  Answer ask(const Message& message, std::uint16_t extra_flags, const Filter& filter);
  Answer talk(const Message& message, std::uint16_t extra_flags, const Filter& filter = {});
  Answer talk_once(const Message& message, std::uint16_t extra_flags, const Filter& filter);
  void send(const Message& message, std::uint16_t extra_flags);
  void send_bytes(const Message& message, std::string_view bytes);
  nlmsghdr* stamp(const Message& message, std::uint16_t extra_flags);
  /// True when the answer is complete.
  bool take_datagram(const Message& message, Answer& answer);
  std::size_t receive(const Message& message);

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace netlend
