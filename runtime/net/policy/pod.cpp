#include "net/policy/pod.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "net/policy/asker.hpp"

namespace netlend {

namespace {
/// Nothing where it has no cgroup of its own, or has ended.
std::optional<std::string> cgroup_now(pid_t pid) {
  Failures ended;
  std::optional<std::string> cgroup;
  attempt(ended, [&] { cgroup = read_own_cgroup(pid); });
  return cgroup;
}

bool is_in(pid_t pid, const Netns& netns) {
  Failures ended;
  bool is_there = false;
  attempt(ended, [&] { is_there = Netns::of_process(pid).identity() == netns.identity(); });
  return is_there;
}
}  // namespace

std::optional<std::string> pod_of(std::string_view cgroup) {
  const auto pod = cgroup.substr(0, cgroup.rfind('/'));
  const auto name = pod.substr(std::min(pod.rfind('/'), pod.size()));
  if (find_made_up_id(name) == name.size()) return std::nullopt;
  return std::string{pod};
}

bool is_of_same_pod(const ProcessIdentity& newcomer, const Netns& netns,
                    const ProcessIdentity& member) {
  const auto own = cgroup_now(newcomer.pid);
  const auto others = cgroup_now(member.pid);
  const auto pod = own ? pod_of(*own) : std::nullopt;
  if (!pod || !others || pod_of(*others) != pod) return false;
  const UniqueFd folder = open_directory(AT_FDCWD, "/proc");
  const auto names = list_names(folder.get());
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto pid = parse_number(name, INT32_MAX);
    if (!pid) return false;
    const auto cgroup = cgroup_now(static_cast<pid_t>(*pid));
    return cgroup && cgroup != own && pod_of(*cgroup) == pod &&
           is_in(static_cast<pid_t>(*pid), netns);
  });
}

}  // namespace netlend
