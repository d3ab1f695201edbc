#include "net/kernel/frame_mirror.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
constexpr std::uint32_t kReceived = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr std::uint32_t kSent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
/// Behind what others have: they number theirs from 49152 down.
constexpr std::uint32_t kPriority = 61'110;
constexpr const char* kKind = "bpf";

template <typename Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

tcmsg place(IfIndex device, std::uint32_t parent) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = device.value;
  header.tcm_parent = parent;
  return header;
}

Message qdisc_message(std::uint16_t type, std::uint16_t flags, IfIndex device, std::string doing) {
  Message message(type, flags, std::move(doing));
  tcmsg header = place(device, TC_H_CLSACT);
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  message.header(header).put_string(TCA_KIND, "clsact");
  return message;
}

/// The kernel puts the protocol in the order of the network, in the lower half.
std::uint32_t priority_and_protocol() { return TC_H_MAKE(kPriority << 16, htons(ETH_P_ALL)); }

std::vector<Reply> list_filters(RouteSocket& socket, IfIndex device, std::uint32_t parent) {
  Message message(RTM_GETTFILTER, 0, "list the filters of a device");
  message.header(place(device, parent));
  return socket.dump(message);
}
}  // namespace

Message add_ingress_qdisc(IfIndex device, std::string doing) {
  return qdisc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, device, std::move(doing));
}

Message remove_ingress_qdisc(IfIndex device, std::string doing) {
  return qdisc_message(RTM_DELQDISC, 0, device, std::move(doing));
}

bool has_filters(RouteSocket& socket, IfIndex device) {
  return !list_filters(socket, device, kReceived).empty() ||
         !list_filters(socket, device, kSent).empty();
}

Message add_frame_mirror(const FrameMirror& mirror, std::string doing) {
  Message message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, std::move(doing));
  tcmsg header = place(mirror.from, kReceived);
  header.tcm_info = priority_and_protocol();
  message.header(header).put_string(TCA_KIND, kKind).begin(TCA_OPTIONS);
  const auto length = static_cast<std::uint16_t>(mirror.program.size());
  message.put(TCA_BPF_OPS_LEN, bytes_of(length));
  message.put(TCA_BPF_OPS, {reinterpret_cast<const char*>(mirror.program.data()),
                            mirror.program.size() * sizeof(sock_filter)});
  message.put_u32(TCA_BPF_CLASSID, mirror.mark);
  message.put_u32(TCA_BPF_FLAGS_GEN, TCA_CLS_FLAGS_SKIP_HW);
  tc_mirred copy{};
  copy.action = TC_ACT_UNSPEC;  // Others' filters go on with the frame.
  copy.eaction = TCA_EGRESS_MIRROR;
  copy.ifindex = static_cast<std::uint32_t>(mirror.to.value);
  constexpr int kFirst = 1;
  message.begin(TCA_BPF_ACT).begin(kFirst).put_string(TCA_ACT_KIND, "mirred");
  message.begin(TCA_ACT_OPTIONS).put(TCA_MIRRED_PARMS, bytes_of(copy)).end();
  message.end().end().end();
  return message;
}

void remove_frame_mirrors(RouteSocket& socket, IfIndex device, std::uint32_t mark,
                          const std::string& doing) {
  for (const auto& reply : list_filters(socket, device, kReceived)) {
    auto header = reply.header<tcmsg>();
    const Attributes attributes = reply.attributes(sizeof header);
    if (attributes.text(TCA_KIND) != kKind || header.tcm_info != priority_and_protocol() ||
        attributes.nested(TCA_OPTIONS).u32(TCA_BPF_CLASSID) != mark) {
      continue;
    }
    Message message(RTM_DELTFILTER, 0, doing);
    message.header(header).put_string(TCA_KIND, kKind);
    socket.call(message);
  }
}

std::optional<std::string> why_no_frame_mirror(const std::vector<sock_filter>& program) {
  Site tried{Netns::create()};
  const auto lo = find_link(tried.socket, std::string("lo"));
  if (!lo) return "there is no device 'lo'";
  try {
    const std::string doing = "copy frames by traffic control";
    tried.socket.call(add_ingress_qdisc(lo->ifindex, doing));
    tried.socket.call(add_frame_mirror(
        {.from = lo->ifindex, .to = lo->ifindex, .mark = 1, .program = program}, doing));
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace netlend
