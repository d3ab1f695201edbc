#include "net/kernel/frame_rules.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "net/kernel/netfilter.hpp"

namespace netlend {

namespace {
constexpr std::uint32_t kRegister = NFT_REG_1;
constexpr std::size_t kAnswerBytes = 16 * 1024UL;
constexpr timeval kAnswerTimeout{.tv_sec = 30, .tv_usec = 0};

void put_be32(Message& message, int attribute, std::uint32_t value) {
  message.put_u32(attribute, htonl(value));
}

Message netdev_message(int type, std::uint16_t flags, std::string doing) {
  return nftables_message(type, flags, NFPROTO_NETDEV, std::move(doing));
}

/// One expression: its name, and `put` for its attributes.
template <typename Put>
void expression(Message& message, std::string_view name, Put put) {
  message.begin(NFTA_LIST_ELEM).put_string(NFTA_EXPR_NAME, name).begin(NFTA_EXPR_DATA);
  put();
  message.end().end();
}

void put_load(Message& message, const FrameMatch& match) {
  if (match.what == FrameMatch::What::protocol || match.what == FrameMatch::What::packet_type) {
    expression(message, "meta", [&] {
      put_be32(message, NFTA_META_DREG, kRegister);
      put_be32(message, NFTA_META_KEY,
               match.what == FrameMatch::What::protocol ? NFT_META_PROTOCOL : NFT_META_PKTTYPE);
    });
    return;
  }
  expression(message, "payload", [&] {
    put_be32(message, NFTA_PAYLOAD_DREG, kRegister);
    put_be32(
        message, NFTA_PAYLOAD_BASE,
        match.what == FrameMatch::What::link ? NFT_PAYLOAD_LL_HEADER : NFT_PAYLOAD_NETWORK_HEADER);
    put_be32(message, NFTA_PAYLOAD_OFFSET, match.offset);
    put_be32(message, NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(match.bytes.size()));
  });
}

std::uint32_t comparison(FrameMatch::Is is) {
  switch (is) {
    case FrameMatch::Is::equal:
      return NFT_CMP_EQ;
    case FrameMatch::Is::at_least:
      return NFT_CMP_GTE;
    case FrameMatch::Is::at_most:
      return NFT_CMP_LTE;
  }
  return NFT_CMP_EQ;
}

void put_match(Message& message, const FrameMatch& match) {
  put_load(message, match);
  expression(message, "cmp", [&] {
    put_be32(message, NFTA_CMP_SREG, kRegister);
    put_be32(message, NFTA_CMP_OP, comparison(match.is));
    message.begin(NFTA_CMP_DATA).put(NFTA_DATA_VALUE, match.bytes).end();
  });
}

void put_value(Message& message, std::string_view bytes) {
  expression(message, "immediate", [&] {
    put_be32(message, NFTA_IMMEDIATE_DREG, kRegister);
    message.begin(NFTA_IMMEDIATE_DATA).put(NFTA_DATA_VALUE, bytes).end();
  });
}

void put_verdict(Message& message, const FrameRule& rule) {
  switch (rule.then) {
    case FrameRule::Then::accept:
      return expression(message, "immediate", [&] {
        put_be32(message, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        message.begin(NFTA_IMMEDIATE_DATA).begin(NFTA_DATA_VERDICT);
        put_be32(message, NFTA_VERDICT_CODE, NF_ACCEPT);
        message.end().end();
      });
    case FrameRule::Then::take:
      put_value(message, std::string(1, PACKET_HOST));
      return expression(message, "meta", [&] {
        put_be32(message, NFTA_META_KEY, NFT_META_PKTTYPE);
        put_be32(message, NFTA_META_SREG, kRegister);
      });
    case FrameRule::Then::copy: {
      // In the machine's own order, unlike all else here (net/netfilter/nft_dup_netdev.c).
      const auto index = static_cast<std::uint32_t>(rule.copy_to.value);
      put_value(message, {reinterpret_cast<const char*>(&index), sizeof index});
      return expression(message, "dup", [&] { put_be32(message, NFTA_DUP_SREG_DEV, kRegister); });
    }
  }
}

std::vector<Message> messages_for(const FrameChain& chain) {
  const std::string doing =
      fmt::format("add rules of nftables for device '{}'", printable(chain.device));
  std::vector<Message> messages;
  messages.push_back(netdev_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, doing));
  messages.back().put_string(NFTA_TABLE_NAME, chain.table);

  Message head = netdev_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, doing);
  head.put_string(NFTA_CHAIN_TABLE, chain.table).put_string(NFTA_CHAIN_NAME, chain.device);
  head.begin(NFTA_CHAIN_HOOK);
  const bool is_ingress = chain.hook == FrameChain::Hook::ingress;
  put_be32(head, NFTA_HOOK_HOOKNUM, is_ingress ? NF_NETDEV_INGRESS : NF_NETDEV_EGRESS);
  put_be32(head, NFTA_HOOK_PRIORITY, 0);
  head.put_string(NFTA_HOOK_DEV, chain.device).end();
  put_be32(head, NFTA_CHAIN_POLICY, chain.drops_rest ? NF_DROP : NF_ACCEPT);
  head.put_string(NFTA_CHAIN_TYPE, "filter");
  messages.push_back(std::move(head));

  for (const auto& rule : chain.rules) {
    Message message = netdev_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, doing);
    message.put_string(NFTA_RULE_TABLE, chain.table).put_string(NFTA_RULE_CHAIN, chain.device);
    message.begin(NFTA_RULE_EXPRESSIONS);
    for (const auto& match : rule.matches) put_match(message, match);
    put_verdict(message, rule);
    message.end();
    messages.push_back(std::move(message));
  }
  return messages;
}

std::string batch_mark(std::uint16_t type) {
  nlmsghdr head{};
  nfgenmsg body{};
  head.nlmsg_len = sizeof head + sizeof body;
  head.nlmsg_type = type;
  head.nlmsg_flags = NLM_F_REQUEST;
  body.nfgen_family = AF_UNSPEC;
  body.version = NFNETLINK_V0;
  body.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return std::string(reinterpret_cast<const char*>(&head), sizeof head) +
         std::string(reinterpret_cast<const char*>(&body), sizeof body);
}

UniqueFd open_nftables(const Netns& netns) {
  UniqueFd fd;
  run_in_netns(netns, [&] {
    fd = UniqueFd{check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), "open",
                        "a socket to nftables")};
  });
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout),
        "set the timeout of", "a socket to nftables");
  return fd;
}

/// The first errno that the answers to `count` messages bring, or 0.
int read_answers(const UniqueFd& fd, std::size_t count) {
  alignas(nlmsghdr) std::array<char, kAnswerBytes> buffer{};
  while (count > 0) {
    const auto size =
        check(retry([&] { return ::recv(fd.get(), buffer.data(), buffer.size(), 0); }), "hear from",
              "nftables");
    auto left = static_cast<unsigned>(size);
    for (auto* head = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(head, left);
         head = NLMSG_NEXT(head, left)) {
      if (head->nlmsg_type != NLMSG_ERROR) continue;
      std::int32_t code = 0;
      std::memcpy(&code, NLMSG_DATA(head), sizeof code);
      if (code != 0) return -code;
      if (--count == 0) return 0;
    }
  }
  return 0;
}

enum class Batch {
  commit,
  /// Without its end the kernel checks all of it and then forgets it, as for `nft --check`.
  check_only
};

/// The errno with which the kernel refuses them, or 0.
int send_batch(const Netns& netns, const std::vector<Message>& messages, Batch batch) {
  std::string bytes = batch_mark(NFNL_MSG_BATCH_BEGIN);
  for (const auto& message : messages) {
    nlmsghdr* head = ::nlmsg_hdr(message.raw());
    head->nlmsg_flags |= NLM_F_ACK;
    head->nlmsg_pid = 0;
    bytes.append(reinterpret_cast<const char*>(head), head->nlmsg_len);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
  }
  if (batch == Batch::commit) bytes += batch_mark(NFNL_MSG_BATCH_END);
  const UniqueFd fd = open_nftables(netns);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  check(::sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                 sizeof kernel),
        "speak to", "nftables");
  return read_answers(fd, messages.size());
}
}  // namespace

void add_frame_chain(const Netns& netns, const FrameChain& chain) {
  const auto messages = messages_for(chain);
  const int refusal = send_batch(netns, messages, Batch::commit);
  if (refusal != 0) {
    throw Error(fmt::format("{}: {}", messages.front().doing(), errno_text(refusal)), refusal);
  }
}

std::optional<std::string> why_no_frame_chain(const Netns& netns, const FrameChain& chain) {
  try {
    const int refusal = send_batch(netns, messages_for(chain), Batch::check_only);
    if (refusal == 0) return std::nullopt;
    return errno_text(refusal);
  } catch (const Error& error) {
    // There is no such protocol without CONFIG_NETFILTER_NETLINK.
    if (error.errno_value() == EPROTONOSUPPORT) return errno_text(EPROTONOSUPPORT);
    throw;
  }
}

void remove_frame_table(const Netns& netns, const std::string& table) {
  std::vector<Message> messages;
  messages.push_back(
      netdev_message(NFT_MSG_DELTABLE, 0, fmt::format("remove table '{}' of nftables", table)));
  messages.back().put_string(NFTA_TABLE_NAME, table);
  const int refusal = send_batch(netns, messages, Batch::commit);
  if (refusal != 0 && refusal != ENOENT) {
    throw Error(fmt::format("{}: {}", messages.front().doing(), errno_text(refusal)), refusal);
  }
}

}  // namespace netlend
