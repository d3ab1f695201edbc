#include "net/qdisc.hpp"

#include <fmt/core.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// Classless, and what they dump is what they take (net/sched/sch_*.c: one policy for both).
constexpr std::array<std::string_view, 9> kWritableKinds{
    "noqueue", "pfifo", "bfifo", "pfifo_head_drop", "tbf", "fq_codel", "fq", "cake", "codel"};

tcmsg qdisc_header(IfIndex ifindex, std::uint32_t parent) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = ifindex.value;
  header.tcm_parent = parent;
  return header;
}

std::optional<Reply> find_qdisc(RouteSocket& socket, IfIndex ifindex, std::uint32_t parent) {
  // Answered like a change: only to those who ask for the echo (net/sched/sch_api.c).
  Message message(RTM_GETQDISC, NLM_F_ECHO,
                  fmt::format("read the qdisc of device {}", ifindex.value));
  message.header(qdisc_header(ifindex, parent));
  try {
    return socket.get(message);
  } catch (const Error& error) {
    // Anything else taken for "none" would lose it: it is what the device gets back.
    const bool is_none = error.errno_value() == ENOENT || error.errno_value() == ENODATA;
    const bool is_unknown =
        error.errno_value() == EOPNOTSUPP && ::access("/proc/net/psched", F_OK) == -1;
    if (is_none || is_unknown) return std::nullopt;
    throw;
  }
}
}  // namespace

std::optional<QdiscRecord> read_root_qdisc(RouteSocket& socket, IfIndex ifindex) {
  const auto reply = find_qdisc(socket, ifindex, TC_H_ROOT);
  if (!reply) return std::nullopt;
  const auto header = reply->header<tcmsg>();
  const Attributes attributes = reply->attributes(sizeof header);
  return QdiscRecord{.kind = attributes.text(TCA_KIND),
                     .handle = header.tcm_handle,
                     .options = std::string(attributes.find(TCA_OPTIONS).value_or(""))};
}

bool has_ingress_qdisc(RouteSocket& socket, IfIndex ifindex) {
  return find_qdisc(socket, ifindex, TC_H_INGRESS).has_value();
}

std::string describe(const QdiscRecord& qdisc) {
  if (qdisc.is_default()) return fmt::format("{} (default)", qdisc.kind);
  return fmt::format("{} {:x}: options {}", qdisc.kind, qdisc.handle >> 16, to_hex(qdisc.options));
}

Message set_root_qdisc(IfIndex ifindex, const QdiscRecord& qdisc, std::string doing) {
  Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, std::move(doing));
  tcmsg header = qdisc_header(ifindex, TC_H_ROOT);
  header.tcm_handle = qdisc.handle;
  message.header(header);
  message.put_string(TCA_KIND, qdisc.kind);
  if (!qdisc.options.empty()) message.put(TCA_OPTIONS, qdisc.options);
  return message;
}

Message remove_root_qdisc(IfIndex ifindex, std::string doing) {
  Message message(RTM_DELQDISC, 0, std::move(doing));
  message.header(qdisc_header(ifindex, TC_H_ROOT));
  return message;
}

std::optional<std::string> why_not_writable(const QdiscRecord& qdisc) {
  if (qdisc.is_default() ||
      std::find(kWritableKinds.begin(), kWritableKinds.end(), qdisc.kind) != kWritableKinds.end()) {
    return std::nullopt;
  }
  return fmt::format("the root qdisc '{}' can have classes and filters", qdisc.kind);
}

}  // namespace netlend
