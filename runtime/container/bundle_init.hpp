#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "container/bundle_namespaces.hpp"
#include "container/bundle_root.hpp"
#include "container/channel.hpp"
#include "oci-spec/config.hpp"
#include "privilege/seccomp.hpp"

namespace netlend {

/// The container's state as its hooks read it.
using StateText = std::function<std::string(std::string_view status, pid_t pid)>;

enum class SessionKeyring { own, callers };

/// What the first process of a container with a bundle needs, made by its parent while that can
/// still fail without a container.
struct BundleInit {
  const oci::Config& config;
  std::string id;
  /// Absolute.
  std::string bundle;
  const BundleNamespaces& namespaces;
  CgroupMounter mount_cgroup;
  StateText state_text;
  RootChange root_change = RootChange::pivot;
  SessionKeyring keyring = SessionKeyring::own;
  /// Installed before the process has its own capabilities.
  std::vector<SeccompProgram> filters;
  /// Descriptors from 3 on that stay open for the process, beside 0 to 2; the first of them are
  /// those that it is told of by LISTEN_FDS.
  unsigned listened_fds = 0;
  unsigned preserved_fds = 0;
  /// Where it waits to be started; not open: it starts when its parent says go.
  UniqueFd start_gate;
  ChildChannel channel;
};

/// The first process of the container, which becomes its process (process.args). It waits for its
/// parent's go, each time after saying that it is ready: with the root made, and with all done but
/// the start. A parent that goes without it takes it along. A failure is reported to the
/// parent, or to the starter. Returns the exit code; a container that starts never does.
int run_bundle_init(BundleInit& init);

}  // namespace netlend
