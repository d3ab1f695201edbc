#include "net/snapshot/traffic_record.hpp"

#include <fmt/core.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "base/text.hpp"

namespace netlend {

namespace {
std::string handle_text(std::uint32_t handle) {
  if (handle == TC_H_ROOT) return "root";
  if (handle == TC_H_INGRESS) return "ingress";
  const std::string minor = minor_of(handle) == 0 ? "" : fmt::format("{:x}", minor_of(handle));
  return fmt::format("{:x}:{}", handle >> 16, minor);
}

/// As tc-u32(8) says it: "800:" a table, "800::5" an item of its first bucket, "800:1:5" another.
std::string u32_text(std::uint32_t handle) {
  const std::uint32_t table = TC_U32_USERHTID(handle);
  const std::uint32_t bucket = TC_U32_HASH(handle);
  const std::uint32_t node = TC_U32_NODE(handle);
  if (node == 0 && bucket == 0) return fmt::format("{:x}:", table);
  return fmt::format("{:x}:{}:{:x}", table, bucket == 0 ? "" : fmt::format("{:x}", bucket), node);
}

std::string describe_chain(const TrafficRecord& chain) {
  const std::string place = fmt::format("{} parent {}", chain.chain, handle_text(chain.parent));
  return chain.kind.empty() ? place : fmt::format("{} template {}", place, printable(chain.kind));
}
}  // namespace

std::string describe(const TrafficRecord& record) {
  // What has no protocol and priority is no filter, and what has no handle either is a chain.
  if (record.handle == 0 && record.info == 0) return describe_chain(record);
  const bool is_u32 = record.kind == "u32" && record.info != 0;
  std::string text = fmt::format("{} {} parent {}", printable(record.kind),
                                 is_u32 ? u32_text(record.handle) : handle_text(record.handle),
                                 handle_text(record.parent));
  if (record.info != 0) {
    text += fmt::format(" protocol 0x{:04x} pref {}",
                        ntohs(static_cast<std::uint16_t>(record.info)), record.info >> 16);
  }
  if (record.chain != 0) text += fmt::format(" chain {}", record.chain);
  return text;
}

Message traffic_message(std::uint16_t type, IfIndex ifindex, const TrafficRecord& record,
                        std::string doing) {
  const bool makes = type == RTM_NEWQDISC || type == RTM_NEWTCLASS || type == RTM_NEWTFILTER ||
                     type == RTM_NEWCHAIN;
  const std::uint16_t flags = makes ? NLM_F_CREATE | NLM_F_EXCL : 0;
  Message message(type, flags, std::move(doing));
  tcmsg header{};
  header.tcm_ifindex = ifindex.value;
  header.tcm_parent = record.parent;
  header.tcm_handle = record.handle;
  header.tcm_info = record.info;
  message.header(header);
  return message;
}

}  // namespace netlend
