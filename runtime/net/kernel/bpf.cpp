#include "net/kernel/bpf.hpp"

#include <fmt/core.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/syscall.hpp"

namespace netlend {

namespace {
// BPF_MPROG_MAX, include/linux/bpf_mprog.h.
constexpr std::size_t kListedMax = 64;

/// bpf_attr.query of Linux 6.6, newer than Debian 12's headers.
struct Query {
  std::uint32_t target_ifindex = 0;
  std::uint32_t attach_type = 0;
  std::uint32_t query_flags = 0;
  std::uint32_t attach_flags = 0;
  std::uint64_t programs = 0;
  std::uint32_t count = 0;
  std::uint32_t unused = 0;
  std::uint64_t program_flags = 0;
  std::uint64_t links = 0;
  std::uint64_t link_flags = 0;
  std::uint64_t revision = 0;
};

template <typename Attributes>
int bpf(bpf_cmd command, Attributes& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

UniqueFd open_link(std::uint32_t id) {
  bpf_attr attributes{};
  attributes.link_id = id;
  return UniqueFd{bpf(BPF_LINK_GET_FD_BY_ID, attributes)};
}

std::optional<bpf_link_info> read_link_info(std::uint32_t id) {
  const UniqueFd link = open_link(id);
  if (!link.is_open()) return std::nullopt;  // It went away while we looked.
  bpf_link_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<std::uint32_t>(link.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = address_of(&info);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == -1) return std::nullopt;
  return info;
}
}  // namespace

std::vector<ListedProgram> query_programs(IfIndex ifindex, std::uint32_t attach_type) {
  std::array<std::uint32_t, kListedMax> programs{};
  std::array<std::uint32_t, kListedMax> links{};
  Query query{.target_ifindex = static_cast<std::uint32_t>(ifindex.value),
              .attach_type = attach_type,
              .programs = address_of(programs.data()),
              .count = kListedMax,
              .links = address_of(links.data())};
  if (bpf(BPF_PROG_QUERY, query) == -1) {
    // EINVAL: Linux before 6.6 or without it; EACCES: of a netkit only the first end has lists.
    const bool is_none = errno == ENOENT || errno == EINVAL || errno == EACCES || errno == ENOSYS ||
                         errno == EOPNOTSUPP || errno == EPERM;
    if (is_none) return {};
    throw_errno(errno, "list the BPF programs of device", std::to_string(ifindex.value));
  }
  std::vector<ListedProgram> listed;
  for (std::size_t i = 0; i < query.count && i < kListedMax; ++i) {
    listed.push_back({.attach_type = attach_type, .program = programs.at(i), .link = links.at(i)});
  }
  return listed;
}

UniqueFd find_program(std::uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  UniqueFd program{bpf(BPF_PROG_GET_FD_BY_ID, attributes)};
  if (!program.is_open() && errno == ENOENT) return {};
  check(program.get(), "open BPF program", std::to_string(id));
  return program;
}

UniqueFd open_program(std::uint32_t id) {
  UniqueFd program = find_program(id);
  if (program.is_open()) return program;
  throw Error(fmt::format("BPF program {} isn't loaded any more; attach it again (ENOENT)", id),
              ENOENT);
}

void attach_program(IfIndex ifindex, std::uint32_t attach_type, std::uint32_t program) {
  const UniqueFd fd = open_program(program);
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(ifindex.value);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(fd.get());
  attributes.attach_type = attach_type;
  check(bpf(BPF_PROG_ATTACH, attributes), "attach BPF program", std::to_string(program));
}

void detach_program(IfIndex ifindex, const ListedProgram& listed) {
  if (listed.link != 0) {
    detach_link(listed.link);
    return;
  }
  const UniqueFd fd = open_program(listed.program);
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(ifindex.value);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(fd.get());
  attributes.attach_type = listed.attach_type;
  check(bpf(BPF_PROG_DETACH, attributes), "detach BPF program", std::to_string(listed.program));
}

std::vector<std::uint32_t> find_xdp_links(IfIndex ifindex, std::uint32_t program) {
  std::vector<std::uint32_t> found;
  bpf_attr attributes{};
  while (bpf(BPF_LINK_GET_NEXT_ID, attributes) == 0) {
    const std::uint32_t id = attributes.next_id;
    const auto info = read_link_info(id);
    if (info && info->type == BPF_LINK_TYPE_XDP && info->prog_id == program &&
        info->xdp.ifindex == static_cast<std::uint32_t>(ifindex.value)) {
      found.push_back(id);
    }
    attributes = {};
    attributes.start_id = id;
  }
  return found;
}

void detach_link(std::uint32_t id) {
  const UniqueFd link = open_link(id);
  if (!link.is_open() && errno == ENOENT) return;  // Gone, and the program with it.
  check(link.get(), "open BPF link", std::to_string(id));
  bpf_attr attributes{};
  attributes.link_detach.link_fd = static_cast<std::uint32_t>(link.get());
  check(bpf(BPF_LINK_DETACH, attributes), "detach BPF link", std::to_string(id));
}

}  // namespace netlend
