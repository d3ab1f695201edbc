#include "container/bundle_namespaces.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// glibc 2.36 has no word for it; include/uapi/linux/sched.h.
constexpr int kNewTime = 0x00000080;

int clone_flag(oci::NamespaceType type) {
  switch (type) {
    case oci::NamespaceType::pid:
      return CLONE_NEWPID;
    case oci::NamespaceType::network:
      return CLONE_NEWNET;
    case oci::NamespaceType::mount:
      return CLONE_NEWNS;
    case oci::NamespaceType::ipc:
      return CLONE_NEWIPC;
    case oci::NamespaceType::uts:
      return CLONE_NEWUTS;
    case oci::NamespaceType::user:
      return CLONE_NEWUSER;
    case oci::NamespaceType::cgroup:
      return CLONE_NEWCGROUP;
    case oci::NamespaceType::time:
      return kNewTime;
  }
  return 0;
}

UniqueFd open_namespace(const std::string& path, int type) {
  const UniqueFd found{check(::open(path.c_str(), O_PATH | O_CLOEXEC), "open the namespace", path)};
  struct statfs status {};
  check(::fstatfs(found.get(), &status), "look at the namespace", path);
  if (status.f_type != NSFS_MAGIC) {
    throw Error(fmt::format("'{}' is no namespace", printable(path)));
  }
  const auto itself = fmt::format("/proc/self/fd/{}", found.get());
  UniqueFd fd{check(::open(itself.c_str(), O_RDONLY | O_CLOEXEC), "open the namespace", path)};
  if (check(::ioctl(fd.get(), NS_GET_NSTYPE), "ask for the type of", path) != type) {
    throw Error(fmt::format("'{}' is a namespace of another type", printable(path)));
  }
  return fd;
}

void add_namespace(BundleNamespaces& all, const oci::Namespace& wanted) {
  const int type = clone_flag(wanted.type);
  if (wanted.path) {
    all.joined.push_back(
        {.type = type, .path = *wanted.path, .fd = open_namespace(*wanted.path, type)});
  } else if (type == CLONE_NEWCGROUP) {
    all.own_cgroup = true;
  } else {
    all.made_by_clone |= static_cast<std::uint64_t>(type);
  }
}
}  // namespace

const JoinedNamespace* BundleNamespaces::find_joined(int type) const noexcept {
  const auto found = std::find_if(joined.begin(), joined.end(),
                                  [&](const JoinedNamespace& one) { return one.type == type; });
  return found == joined.end() ? nullptr : &*found;
}

bool BundleNamespaces::makes(int type) const noexcept {
  return type == CLONE_NEWCGROUP ? own_cgroup
                                 : (made_by_clone & static_cast<std::uint64_t>(type)) != 0;
}

BundleNamespaces open_namespaces(const std::vector<oci::Namespace>& namespaces) {
  BundleNamespaces all;
  for (std::size_t i = 0; i < namespaces.size(); ++i) {
    try {
      add_namespace(all, namespaces[i]);
    } catch (const Error& error) {
      throw error.within(fmt::format("/linux/namespaces/{}/path", i));
    }
  }
  if (!all.makes(CLONE_NEWNS)) {
    throw Error(
        "/linux/namespaces: the container's root is made in a mount namespace of its own, so one "
        "of type 'mount' without a path has to be among them; one that others live in would be "
        "changed for them too");
  }
  return all;
}

void join_namespaces(const BundleNamespaces& namespaces) {
  for (const auto& one : namespaces.joined) {
    if (one.type == CLONE_NEWPID) continue;
    check(::setns(one.fd.get(), one.type), "join the namespace", one.path);
  }
}

JoinedPidNamespace::JoinedPidNamespace(const BundleNamespaces& namespaces) {
  const auto* joined = namespaces.find_joined(CLONE_NEWPID);
  if (joined == nullptr) return;
  constexpr const char* kOwn = "/proc/self/ns/pid";
  own_ = UniqueFd{check(::open(kOwn, O_RDONLY | O_CLOEXEC), "open", kOwn)};
  check(::setns(joined->fd.get(), CLONE_NEWPID), "join the namespace", joined->path);
}

JoinedPidNamespace::~JoinedPidNamespace() {
  if (own_.is_open() && ::setns(own_.get(), CLONE_NEWPID) == -1) std::abort();
}

}  // namespace netlend
