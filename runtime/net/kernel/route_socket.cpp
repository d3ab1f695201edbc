#include "net/kernel/route_socket.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/syscall.hpp"

namespace netlend {

namespace {
// A GETLINK answer with hundreds of altnames or VFs has more than 64 KiB.
constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;
// The lock of rtnetlink can be held for seconds while dozens of namespaces die.
constexpr timeval kAnswerTimeout{.tv_sec = 30, .tv_usec = 0};
constexpr int kAttemptsMax = 16;

void set_option(int fd, int option) {
  const int on = 1;
  check(::setsockopt(fd, SOL_NETLINK, option, &on, sizeof on), "set an option of",
        "a netlink socket");
}

UniqueFd open_socket(int protocol) {
  UniqueFd fd{
      check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "open", "a netlink socket")};
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    set_option(fd.get(), option);
  }
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout),
        "set the timeout of", "a netlink socket");
  return fd;
}

/// The errno of an NLMSG_ERROR or NLMSG_DONE message (0: success) and the kernel's words.
struct Verdict {
  int errno_value = 0;
  std::string text;
};

Verdict read_verdict(const nlmsghdr& header, std::string_view payload) {
  std::int32_t code = 0;
  if (payload.size() >= sizeof code) std::memcpy(&code, payload.data(), sizeof code);
  Verdict verdict{.errno_value = -code, .text = {}};
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return verdict;
  const std::size_t head = header.nlmsg_type == NLMSG_ERROR ? sizeof(nlmsgerr) : sizeof code;
  if (payload.size() > head) {
    verdict.text = Attributes(payload.substr(NLMSG_ALIGN(head))).text(NLMSGERR_ATTR_MSG);
  }
  return verdict;
}

[[noreturn]] void throw_verdict(const Message& message, const Verdict& verdict) {
  const std::string why =
      verdict.text.empty() ? errno_text(verdict.errno_value)
                           : fmt::format("{}; {}", verdict.text, errno_text(verdict.errno_value));
  throw Error(fmt::format("{}: {}", message.doing(), why), verdict.errno_value);
}

/// `type`: NFNL_MSG_BATCH_BEGIN or NFNL_MSG_BATCH_END.
std::string batch_end(std::uint16_t type, std::uint16_t subsystem, std::uint32_t sequence) {
  struct {
    nlmsghdr header;
    nfgenmsg netfilter;
  } end{};
  end.header.nlmsg_len = sizeof end;
  end.header.nlmsg_type = type;
  end.header.nlmsg_flags = NLM_F_REQUEST;
  end.header.nlmsg_seq = sequence;
  end.netfilter.version = NFNETLINK_V0;
  end.netfilter.res_id = htons(subsystem);
  return {reinterpret_cast<const char*>(&end), sizeof end};
}

/// What those who ask take for "there is no such thing".
bool may_mean_none(const Error& error) {
  constexpr std::array kNone{EOPNOTSUPP, EPROTONOSUPPORT, EINVAL, ENODEV, ENOENT, ESRCH};
  return std::find(kNone.begin(), kNone.end(), error.errno_value()) != kNone.end();
}

bool is_passing(const Error& error) {
  return error.errno_value() == EINTR || error.errno_value() == EAGAIN;
}
}  // namespace

RouteSocket::RouteSocket(const Netns& netns, int protocol)
    : buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {
  run_in_netns(netns, [&] { fd_ = open_socket(protocol); });
}

void RouteSocket::call(const Message& message) { talk(message, NLM_F_ACK); }

Reply RouteSocket::get(const Message& message) {
  auto answer = ask(message, NLM_F_ACK, {});
  if (answer.replies.empty()) {
    throw Error(fmt::format("{}: the kernel gave no answer", message.doing()), ENODATA);
  }
  return std::move(answer.replies.front());
}

std::optional<Reply> RouteSocket::find(const Message& message) {
  try {
    return get(message);
  } catch (const Error& error) {
    const int why = error.errno_value();
    if (why == ENODEV || why == ENOENT || why == ESRCH || why == ENODATA) return std::nullopt;
    throw;
  }
}

std::vector<Reply> RouteSocket::dump(const Message& message, const Filter& filter) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto answer = ask(message, NLM_F_DUMP, filter);
    if (!answer.interrupted) return std::move(answer.replies);
  }
  throw Error(fmt::format("{}: what was listed kept changing", message.doing()), EINTR);
}

RouteSocket::Answer RouteSocket::ask(const Message& message, std::uint16_t extra_flags,
                                     const Filter& filter) {
  // What isn't seen at home isn't brought back to it, so the kernel has to say it twice.
  try {
    return talk(message, extra_flags, filter);
  } catch (const Error& error) {
    if (!may_mean_none(error)) throw;
  }
  return talk(message, extra_flags, filter);
}

RouteSocket::Answer RouteSocket::talk(const Message& message, std::uint16_t extra_flags,
                                      const Filter& filter) {
  // A refused request has changed nothing, so it can be sent again.
  for (int attempt = 1; attempt < kAttemptsMax; ++attempt) {
    try {
      return talk_once(message, extra_flags, filter);
    } catch (const Error& error) {
      if (!is_passing(error)) throw;
    }
  }
  return talk_once(message, extra_flags, filter);
}

RouteSocket::Answer RouteSocket::talk_once(const Message& message, std::uint16_t extra_flags,
                                           const Filter& filter) {
  send(message, extra_flags);
  Answer answer{.filter = filter, .replies = {}, .interrupted = false};
  while (!take_datagram(message, answer)) {
  }
  return answer;
}

void RouteSocket::call_in_batch(const Message& message, std::uint16_t subsystem) {
  const nlmsghdr* header = stamp(message, NLM_F_ACK);
  std::string bytes = batch_end(NFNL_MSG_BATCH_BEGIN, subsystem, sequence_);
  bytes.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  bytes += batch_end(NFNL_MSG_BATCH_END, subsystem, sequence_);
  send_bytes(message, bytes);
  Answer answer{.filter = {}, .replies = {}, .interrupted = false};
  while (!take_datagram(message, answer)) {
  }
}

nlmsghdr* RouteSocket::stamp(const Message& message, std::uint16_t extra_flags) {
  nlmsghdr* header = ::nlmsg_hdr(message.raw());
  header->nlmsg_seq = ++sequence_;
  header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | extra_flags);
  return header;
}

void RouteSocket::send(const Message& message, std::uint16_t extra_flags) {
  const nlmsghdr* header = stamp(message, extra_flags);
  send_bytes(message, {reinterpret_cast<const char*>(header), header->nlmsg_len});
}

void RouteSocket::send_bytes(const Message& message, std::string_view bytes) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = retry([&] {
    return ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                    sizeof kernel);
  });
  if (sent == -1) {
    throw Error(fmt::format("{}: {}", message.doing(), errno_text(errno)), errno);
  }
}

std::size_t RouteSocket::receive(const Message& message) {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const ssize_t got = retry([&] {
      return ::recvfrom(fd_.get(), buffer_.get(), kBufferBytes, MSG_TRUNC,
                        reinterpret_cast<sockaddr*>(&sender), &sender_size);
    });
    if (got == -1 && errno == EAGAIN) {
      throw Error(fmt::format("{}: the kernel did not answer in {} s", message.doing(),
                              kAnswerTimeout.tv_sec),
                  ETIMEDOUT);
    }
    if (got == -1) throw Error(fmt::format("{}: {}", message.doing(), errno_text(errno)), errno);
    if (sender.nl_pid != 0) continue;  // Not from the kernel.
    if (static_cast<std::size_t>(got) > kBufferBytes) {
      throw Error(fmt::format("{}: an answer of {} bytes", message.doing(), got), EMSGSIZE);
    }
    return static_cast<std::size_t>(got);
  }
}

bool RouteSocket::take_datagram(const Message& message, Answer& answer) {
  std::string_view rest(buffer_.get(), receive(message));
  while (rest.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) {
      throw Error(fmt::format("{}: an answer that is cut short (EBADMSG)", message.doing()),
                  EBADMSG);
    }
    const std::string_view payload = rest.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    rest.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    if (header.nlmsg_seq != sequence_) continue;  // Answers a request that we gave up on.
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
      const Verdict verdict = read_verdict(header, payload);
      if (verdict.errno_value != 0) throw_verdict(message, verdict);
      return true;
    }
    if (header.nlmsg_type >= NLMSG_MIN_TYPE) {
      Reply reply(header.nlmsg_type, std::string(payload));
      const Take take = answer.filter ? answer.filter(reply) : Take::yes;
      if (take == Take::enough) {
        // Whatever changed meanwhile: and the kernel is still listing, so it can't be asked again.
        answer.interrupted = false;
        return true;
      }
      if (take == Take::yes) answer.replies.push_back(std::move(reply));
    }
  }
  return false;
}

}  // namespace netlend
