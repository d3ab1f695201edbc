#include "lifecycle/doctor.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.hpp"
#include "container/cgroup.hpp"
#include "guardian/cgroup.hpp"
#include "net/kernel/site.hpp"
#include "net/l3/broadcast_copies.hpp"
#include "net/l3/mode.hpp"

namespace netlend {

namespace {
// Where podman looks unless it is told otherwise: oci-hooks(5).
constexpr const char* kHookFile = "/usr/share/containers/oci/hooks.d/50-netlend.json";
/// The device that every network namespace has.
constexpr const char* kAnyDevice = "lo";

std::optional<std::string> why_not_here(Site& home, AddressMode mode) {
  if (auto why = why_not_of_kernel(home, mode)) return why;
  if (!is_direct(mode)) return std::nullopt;
  AddressLoan any;
  any.host_name = "netlend-doctor";
  return why_no_source_filter(home, any, kAnyDevice);
}

void add_modes(Site& home, std::vector<Finding>& findings) {
  Finding all{.subject = "addresses",
              .missing =
                  "by no mode that 'auto' takes; a kernel with devices of kind 'veth' is "
                  "enough",
              .is_needed = true};
  std::vector<Finding> modes;
  for (const AddressMode mode : {AddressMode::kernel, AddressMode::routed, AddressMode::netkit,
                                 AddressMode::ipvlan, AddressMode::macvlan}) {
    auto why = why_not_here(home, mode);
    if (!why && mode != AddressMode::macvlan) all.missing.reset();
    modes.push_back({.subject = fmt::format("addresses in mode '{}'", mode_name(mode)),
                     .missing = std::move(why)});
  }
  findings.push_back(std::move(all));
  findings.insert(findings.end(), modes.begin(), modes.end());
  AddressLoan any;
  any.host_name = "netlend-doctor";
  const auto copies = choose_copies(home, any, kAnyDevice);
  findings.push_back(
      {.subject = copies.by ? fmt::format("broadcasts for addresses (broadcast=yes), by {}",
                                          name_of(*copies.by))
                            : std::string("broadcasts for addresses (broadcast=yes)"),
       .missing = copies.by ? std::nullopt : std::optional(copies.why_not)});
  findings.push_back({.subject = "IPv6 addresses in modes 'routed' and 'netkit'",
                      .missing = why_no_forwarding6(home, kAnyDevice)});
}

std::optional<std::string> why_no_return(Site& home) {
  const auto link = find_link(home.socket, std::string(kAnyDevice));
  if (link && link->returns) return std::nullopt;
  return "at the end of a namespace this kernel sends hardware to the first one, under whatever "
         "name it has, and netlend does the rest; kernel/README.md in netlend's source says how to "
         "build one that sends it home";
}

std::optional<std::string> why_no_hook() {
  if (::access(kHookFile, R_OK) == 0) return std::nullopt;
  return fmt::format(
      "'{}' is not there; 'make install PREFIX=/usr' puts it there, and "
      "netlend-hook(8) says how to tell an engine of another place",
      kHookFile);
}

std::optional<std::string> why_no_own_cgroup() {
  if (can_leave_cgroups()) return std::nullopt;
  return "no hierarchy of cgroups is there that may be written, so a guardian ends with the unit "
         "that netlend runs in";
}
}  // namespace

std::vector<Finding> examine() {
  Site home{Netns::current()};
  std::vector<Finding> findings;
  add_modes(home, findings);
  findings.push_back({.subject = "device rules of containers with a bundle",
                      .missing = why_no_device_rules(),
                      .is_needed = true});
  findings.push_back(
      {.subject = "a cgroup of its own for the guardian", .missing = why_no_own_cgroup()});
  findings.push_back({.subject = "the hook where podman looks for it", .missing = why_no_hook()});
  findings.push_back(
      {.subject = "the way home of hardware by the kernel alone", .missing = why_no_return(home)});
  return findings;
}

}  // namespace netlend
