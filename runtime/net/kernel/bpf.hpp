#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "net/kernel/link.hpp"

/// The few commands of bpf(2) that look after programs which others have attached. They need
/// CAP_SYS_ADMIN, and those about a device mean one of the current network namespace.
namespace netlend {

/// A program in the list that tcx, or netkit, runs on each packet.
struct ListedProgram {
  /// BPF_TCX_INGRESS, ...
  std::uint32_t attach_type = 0;
  std::uint32_t program = 0;
  /// The bpf_link that holds it; 0: it was attached without one.
  std::uint32_t link = 0;
  bool operator==(const ListedProgram&) const = default;
};

/// In the order of their running; empty where the kernel has no such list.
std::vector<ListedProgram> query_programs(IfIndex ifindex, std::uint32_t attach_type);

/// Closed where it isn't loaded any more, and so never will be again under this id.
UniqueFd find_program(std::uint32_t id);
/// Throws Error (ENOENT: it isn't loaded any more).
UniqueFd open_program(std::uint32_t id);

void attach_program(IfIndex ifindex, std::uint32_t attach_type, std::uint32_t program);
/// Also where a link holds it.
void detach_program(IfIndex ifindex, const ListedProgram& listed);

/// The links that hold `program` as XDP on a device with that index, in whatever namespace.
std::vector<std::uint32_t> find_xdp_links(IfIndex ifindex, std::uint32_t program);
/// Whoever holds the link keeps it, but it is attached to nothing any more.
void detach_link(std::uint32_t id);

}  // namespace netlend
