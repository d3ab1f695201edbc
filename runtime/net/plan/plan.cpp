#include "net/plan/plan.hpp"

#include <fmt/core.h>

namespace netlend {

namespace {
std::string_view prefix_of(DeviceSelector::By by) {
  switch (by) {
    case DeviceSelector::By::name:
      return "";
    case DeviceSelector::By::altname:
      return "alt:";
    case DeviceSelector::By::mac:
      return "mac:";
    case DeviceSelector::By::pci:
      return "pci:";
  }
  return "";
}
}  // namespace

std::string describe_source(const NicPlan& nic) {
  if (const auto* pair = std::get_if<VethPair>(&nic.source)) {
    return "veth:" + (pair->host_name ? pair->host_name->str() : std::string{});
  }
  const auto& selector = std::get<DeviceSelector>(nic.source);
  return std::string(prefix_of(selector.by)) + selector.value;
}

std::string_view mode_name(AddressMode mode) {
  switch (mode) {
    case AddressMode::automatic:
      return "auto";
    case AddressMode::kernel:
      return "kernel";
    case AddressMode::routed:
      return "routed";
    case AddressMode::netkit:
      return "netkit";
    case AddressMode::ipvlan:
      return "ipvlan";
    case AddressMode::macvlan:
      return "macvlan";
  }
  return "unknown";
}

std::string describe_addresses(const AddressPlan& plan) {
  std::string out;
  for (const auto& address : plan.addresses) out += (out.empty() ? "" : " ") + address.str();
  return out + describe_ports(plan.ports);
}

std::string format_ports(const PortRange& range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : fmt::format("{}-{}", range.first, range.last);
}

std::string describe_ports(const std::vector<PortRange>& ports) {
  std::string out;
  for (const auto& range : ports) out += " ports=" + format_ports(range);
  return out;
}

}  // namespace netlend
