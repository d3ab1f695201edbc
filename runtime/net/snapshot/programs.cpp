#include "net/snapshot/programs.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <algorithm>
#include <array>

namespace netlend {

namespace {
struct XdpMode {
  std::uint32_t flag;
  const char* name;
};
constexpr std::array<XdpMode, 3> kXdpModes{{{XDP_FLAGS_SKB_MODE, "generic"},
                                            {XDP_FLAGS_DRV_MODE, "driver"},
                                            {XDP_FLAGS_HW_MODE, "hardware"}}};

// Newer than Debian 12's headers (include/uapi/linux/bpf.h).
struct ListType {
  std::uint32_t attach_type;
  const char* name;
};
constexpr std::array<ListType, 2> kTcxTypes{{{46, "tcx ingress"}, {47, "tcx egress"}}};
constexpr std::array<ListType, 2> kNetkitTypes{{{54, "netkit primary"}, {55, "netkit peer"}}};

std::string list_name(std::uint32_t attach_type) {
  for (const auto& types : {kTcxTypes, kNetkitTypes}) {
    for (const auto& type : types) {
      if (type.attach_type == attach_type) return type.name;
    }
  }
  return fmt::format("attach type {}", attach_type);
}

std::uint32_t xdp_program(const Programs& programs, const XdpMode& mode) {
  const auto found = programs.xdp.find(mode.flag);
  return found == programs.xdp.end() ? 0 : found->second;
}

std::string program_text(std::uint32_t program) {
  return program == 0 ? "none" : std::to_string(program);
}

std::string listed_text(const ListedProgram& listed) {
  const std::string link = listed.link == 0 ? "" : fmt::format(" held by BPF link {}", listed.link);
  return fmt::format("{} program {}{}", list_name(listed.attach_type), listed.program, link);
}

bool contains(const std::vector<ListedProgram>& list, const ListedProgram& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

Message set_xdp(IfIndex ifindex, std::uint32_t mode, int program_fd, std::string doing) {
  Message message = change_link(ifindex, std::move(doing));
  message.begin(IFLA_XDP)
      .put_u32(IFLA_XDP_FD, static_cast<std::uint32_t>(program_fd))
      .put_u32(IFLA_XDP_FLAGS, mode)
      .end();
  return message;
}

/// Where a BPF link holds the program, netlink can't take it off, and the link's own description
/// names the device by an index that others in other namespaces can have as well.
void detach_xdp_link(IfIndex ifindex, std::uint32_t program, const Error& refusal) {
  const auto links = find_xdp_links(ifindex, program);
  if (links.empty()) throw refusal;
  if (links.size() > 1) {
    throw refusal.within(fmt::format(
        "{} BPF links hold program {} on a device of index {}, and it can't be told which is on "
        "this one; end the process that holds it",
        links.size(), program, ifindex.value));
  }
  detach_link(links.front());
}

void detach_xdp(Restoration& restoration, const XdpMode& mode, std::uint32_t program) {
  const Message off =
      set_xdp(restoration.ifindex, mode.flag, -1,
              fmt::format("take XDP program {} off '{}'", program, restoration.name));
  restoration.step(off.doing(), [&] {
    try {
      restoration.site.socket.call(off);
    } catch (const Error& error) {
      detach_xdp_link(restoration.ifindex, program, error);
    }
  });
}

void restore_xdp(Restoration& restoration, const Programs& home, const Programs& now) {
  const auto is_right = [&](const XdpMode& mode) {
    return xdp_program(now, mode) == xdp_program(home, mode);
  };
  // All that is foreign first: the modes shut each other out.
  for (const auto& mode : kXdpModes) {
    const std::uint32_t have = xdp_program(now, mode);
    if (have != 0 && !is_right(mode)) detach_xdp(restoration, mode, have);
  }
  for (const auto& mode : kXdpModes) {
    const std::uint32_t wanted = xdp_program(home, mode);
    if (wanted == 0 || is_right(mode)) continue;
    const std::string doing = restoration.doing(fmt::format("XDP program {}", wanted));
    restoration.step(doing, [&] {
      const UniqueFd program = open_program(wanted);
      restoration.site.socket.call(set_xdp(restoration.ifindex, mode.flag, program.get(), doing));
    });
  }
}

void restore_lists(Restoration& restoration, const Programs& home, const Programs& now) {
  const auto change = [&](const std::string& doing, const auto& work) {
    restoration.step(doing, [&] { run_in_netns(restoration.site.netns, work); });
  };
  for (const auto& listed : now.listed) {
    if (contains(home.listed, listed)) continue;
    change(fmt::format("take {} off '{}'", listed_text(listed), restoration.name),
           [&] { detach_program(restoration.ifindex, listed); });
  }
  for (const auto& listed : home.listed) {
    // A link that was detached can't be attached again.
    if (listed.link != 0 || contains(now.listed, listed)) continue;
    change(restoration.doing(listed_text(listed)),
           [&] { attach_program(restoration.ifindex, listed.attach_type, listed.program); });
  }
}
}  // namespace

Programs read_programs(Site& site, const LinkState& link) {
  Programs programs{.xdp = link.xdp_programs, .listed = {}};
  run_in_netns(site.netns, [&] {
    for (const auto& type : link.kind == "netkit" ? kNetkitTypes : kTcxTypes) {
      const auto listed = query_programs(link.ifindex, type.attach_type);
      programs.listed.insert(programs.listed.end(), listed.begin(), listed.end());
    }
  });
  return programs;
}

std::vector<std::string> differences(const Programs& home, const Programs& now) {
  std::vector<std::string> found;
  for (const auto& mode : kXdpModes) {
    const std::uint32_t have = xdp_program(now, mode);
    const std::uint32_t wanted = xdp_program(home, mode);
    if (have == wanted) continue;
    found.push_back(fmt::format("XDP program in {} mode is {}, was {} at home", mode.name,
                                program_text(have), program_text(wanted)));
  }
  for (const auto& listed : home.listed) {
    if (!contains(now.listed, listed)) {
      found.push_back(fmt::format("{} is missing", listed_text(listed)));
    }
  }
  for (const auto& listed : now.listed) {
    if (!contains(home.listed, listed)) {
      found.push_back(fmt::format("{} was not there at home", listed_text(listed)));
    }
  }
  if (found.empty() && home.listed != now.listed) {
    found.emplace_back("the order of its tcx programs has changed");
  }
  return found;
}

void restore_programs(Restoration& restoration, const Programs& home) {
  attempt(restoration.failures, [&] {
    const LinkState link = read_link(restoration.site.socket, restoration.ifindex);
    const Programs now = read_programs(restoration.site, link);
    if (now == home) return;
    restore_xdp(restoration, home, now);
    restore_lists(restoration, home, now);
  });
}

std::vector<UniqueFd> open_programs(const Programs& programs) {
  std::vector<UniqueFd> held;
  for (const auto& [mode, program] : programs.xdp) held.push_back(open_program(program));
  for (const auto& listed : programs.listed) {
    // A link can't be attached again, whoever holds its program.
    if (listed.link == 0) held.push_back(open_program(listed.program));
  }
  return held;
}

std::vector<std::string> give_up_lost(Site& site, const LinkState& link, Programs& home) {
  std::vector<std::string> lost;
  const Programs now = read_programs(site, link);
  constexpr const char* kUnloaded =
      "{} was taken off while it was away and isn't loaded any more; attach it again";
  for (const auto& mode : kXdpModes) {
    const std::uint32_t program = xdp_program(home, mode);
    if (program == 0 || program == xdp_program(now, mode)) continue;
    if (find_program(program).is_open()) continue;
    home.xdp.erase(mode.flag);
    lost.push_back(fmt::format(kUnloaded, fmt::format("XDP program {}", program)));
  }
  std::erase_if(home.listed, [&](const ListedProgram& listed) {
    if (contains(now.listed, listed)) return false;
    if (listed.link == 0 && find_program(listed.program).is_open()) return false;
    lost.push_back(listed.link == 0
                       ? fmt::format(kUnloaded, listed_text(listed))
                       : fmt::format("{} was detached while it was away, which only who made the "
                                     "link can put right",
                                     listed_text(listed)));
    return true;
  });
  return lost;
}

std::vector<std::string> describe(const Programs& programs) {
  std::vector<std::string> texts;
  for (const auto& mode : kXdpModes) {
    if (const auto program = xdp_program(programs, mode)) {
      texts.push_back(fmt::format("XDP program {}", program));
    }
  }
  for (const auto& listed : programs.listed) {
    texts.push_back(listed_text(listed));
  }
  return texts;
}

}  // namespace netlend
