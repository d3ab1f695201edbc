#pragma once

#include <string>
#include <vector>

#include "base/container_id.hpp"
#include "container/channel.hpp"
#include "container/rootfs.hpp"
#include "privilege/capabilities.hpp"
#include "privilege/seccomp.hpp"

namespace netlend {

/// Whether it has a network namespace of its own, or is in that of its maker.
enum class ContainerNetwork { own, makers };

/// What a container without a bundle is to be.
struct ContainerOptions {
  ContainerId id;
  std::vector<std::string> command;
  /// All of the command's environment, "NAME=VALUE" each.
  std::vector<std::string> environment;
  HostRootOptions root;
  /// What the command keeps.
  std::vector<int> capabilities{kDefaultCapabilities.begin(), kDefaultCapabilities.end()};
  ContainerNetwork network = ContainerNetwork::own;
};

/// What the first process of the container needs, made by its parent while that can still fail
/// without a container.
struct InitContext {
  const ContainerOptions& options;
  ChildChannel channel;
  int parent_pidfd = -1;
  std::vector<SeccompProgram> filters;
};

/// The first process of the container, in its new namespaces: waits for the go, makes the container
/// what it is to be, runs the command as its child, passes signals on to it, reaps orphans, and
/// returns the command's exit code (128 + N for a signal). With it the kernel ends all processes of
/// the container. It dies with its parent. What goes wrong before the command is executed is
/// reported through the channel.
int run_init(InitContext& context);

}  // namespace netlend
