#include "net/kernel/qdisc.hpp"

#include <fmt/core.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// What they dump is what they take (net/sched/sch_*.c: one policy for both); what is below them is
// read apart.
constexpr std::array<std::string_view, 14> kWritableKinds{
    "noqueue", "pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast", "tbf", "fq_codel", "fq", "cake",
    "codel",   "htb",   "mq",    "ingress",         "clsact"};

tcmsg qdisc_header(IfIndex ifindex, const QdiscPlace& place) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = ifindex.value;
  header.tcm_parent = place.parent;
  header.tcm_handle = place.handle;
  return header;
}

std::optional<Reply> find_qdisc(RouteSocket& socket, IfIndex ifindex, const QdiscPlace& place) {
  // Answered like a change: only to those who ask for the echo (net/sched/sch_api.c).
  Message message(RTM_GETQDISC, NLM_F_ECHO,
                  fmt::format("read the qdisc of device {}", ifindex.value));
  message.header(qdisc_header(ifindex, place));
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

/// Of an htb without the count of packets that went past it, and with its version as it is taken:
/// that is told with the minor one (net/sched/sch_htb.c, htb_dump, htb_init).
std::string writable_options(std::string_view kind, std::string_view options) {
  std::string out(options);
  if (kind != "htb") return out;
  const auto init = Attributes(options).find(TCA_HTB_INIT);
  tc_htb_glob htb{};
  if (!init || init->size() < sizeof htb) return out;
  std::memcpy(&htb, init->data(), sizeof htb);
  htb.version >>= 16U;
  htb.direct_pkts = 0;
  std::memcpy(out.data() + (init->data() - options.data()), &htb, sizeof htb);
  return out;
}
}  // namespace

std::optional<QdiscRecord> read_qdisc(RouteSocket& socket, IfIndex ifindex,
                                      const QdiscPlace& place) {
  const auto reply = find_qdisc(socket, ifindex, place);
  if (!reply) return std::nullopt;
  const auto header = reply->header<tcmsg>();
  const Attributes attributes = reply->attributes(sizeof header);
  const std::string kind = attributes.text(TCA_KIND);
  return QdiscRecord{.kind = kind,
                     .handle = header.tcm_handle,
                     .options = writable_options(kind, attributes.find(TCA_OPTIONS).value_or("")),
                     .has_more = attributes.find(TCA_STAB) || attributes.find(TCA_INGRESS_BLOCK) ||
                                 attributes.find(TCA_EGRESS_BLOCK)};
}

std::optional<QdiscRecord> read_root_qdisc(RouteSocket& socket, IfIndex ifindex) {
  return read_qdisc(socket, ifindex, {.parent = TC_H_ROOT});
}

bool has_ingress_qdisc(RouteSocket& socket, IfIndex ifindex) {
  return find_qdisc(socket, ifindex, {.parent = TC_H_INGRESS}).has_value();
}

std::string describe(const QdiscRecord& qdisc) {
  if (qdisc.is_default()) return fmt::format("{} (default)", qdisc.kind);
  return fmt::format("{} {:x}:", printable(qdisc.kind), qdisc.handle >> 16);
}

std::string options_to_send(std::string_view kind, std::string options) {
  struct Times {
    std::string_view kind;
    std::array<int, 3> attributes;
  };
  // CoDel keeps times in units of 1024 ns and rounds down both ways (include/net/codel.h,
  // codel_time_to_us): what was told, and a microsecond, is the least that gives the same units.
  constexpr std::array<Times, 2> kTimes{
      {{"fq_codel", {TCA_FQ_CODEL_TARGET, TCA_FQ_CODEL_INTERVAL, TCA_FQ_CODEL_CE_THRESHOLD}},
       {"codel", {TCA_CODEL_TARGET, TCA_CODEL_INTERVAL, TCA_CODEL_CE_THRESHOLD}}}};
  for (const auto& times : kTimes) {
    if (times.kind != kind) continue;
    for (const int type : times.attributes) {
      const auto found = Attributes(options).find(type);
      std::uint32_t microseconds = 0;
      if (!found || found->size() != sizeof microseconds) continue;
      const auto start = static_cast<std::size_t>(found->data() - options.data());
      std::memcpy(&microseconds, options.data() + start, sizeof microseconds);
      ++microseconds;
      std::memcpy(options.data() + start, &microseconds, sizeof microseconds);
    }
  }
  return options;
}

Message set_root_qdisc(IfIndex ifindex, const QdiscRecord& qdisc, std::string doing) {
  Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, std::move(doing));
  message.header(qdisc_header(ifindex, {.parent = TC_H_ROOT, .handle = qdisc.handle}));
  message.put_string(TCA_KIND, qdisc.kind);
  if (!qdisc.options.empty()) message.put(TCA_OPTIONS, options_to_send(qdisc.kind, qdisc.options));
  return message;
}

Message remove_root_qdisc(IfIndex ifindex, std::string doing) {
  Message message(RTM_DELQDISC, 0, std::move(doing));
  message.header(qdisc_header(ifindex, {.parent = TC_H_ROOT}));
  return message;
}

std::optional<std::string> why_not_writable(const QdiscRecord& qdisc) {
  if (qdisc.has_more) {
    return fmt::format("the qdisc '{}' has a size table or shares its filters", qdisc.kind);
  }
  if (qdisc.is_default() ||
      std::find(kWritableKinds.begin(), kWritableKinds.end(), qdisc.kind) != kWritableKinds.end()) {
    return std::nullopt;
  }
  return fmt::format("the qdisc '{}' is of a kind that can't be set as it is told", qdisc.kind);
}

}  // namespace netlend
