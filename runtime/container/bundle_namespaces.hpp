#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "oci-spec/config.hpp"

namespace netlend {

/// A namespace that the container shares with others.
struct JoinedNamespace {
  /// CLONE_NEW*.
  int type = 0;
  std::string path;
  UniqueFd fd;
};

/// The namespaces of a container with a bundle. A type that is in none of them is the runtime's.
struct BundleNamespaces {
  /// CLONE_NEW* of all that clone3(2) is to make at once.
  std::uint64_t made_by_clone = 0;
  /// Made by the first process itself, once it is in the cgroup that is to be its root:
  /// cgroup_namespaces(7).
  bool own_cgroup = false;
  /// Entered by the first process itself, but the pid namespace, which only children enter.
  std::vector<JoinedNamespace> joined;

  /// The namespace of this type that is joined, if one is.
  const JoinedNamespace* find_joined(int type) const noexcept;
  /// Whether the container has a namespace of this type for itself.
  bool makes(int type) const noexcept;
};

/// Opens what is to be joined; a path is opened only after it is known to be a namespace, so that a
/// FIFO can't hang us. Throws Error with the JSON pointer: no namespace, one of another type, or a
/// mount namespace that isn't the container's own, since its root is made there.
BundleNamespaces open_namespaces(const std::vector<oci::Namespace>& namespaces);

/// Enters what is joined but the pid namespace. Throws Error.
void join_namespaces(const BundleNamespaces& namespaces);

/// While it lives, children start in the pid namespace that is joined, if one is.
class JoinedPidNamespace {
 public:
  /// Throws Error.
  explicit JoinedPidNamespace(const BundleNamespaces& namespaces);
  /// Ends the process if it can't come back: whatever it started next would be in the container.
  ~JoinedPidNamespace();
  JoinedPidNamespace(const JoinedPidNamespace&) = delete;
  JoinedPidNamespace& operator=(const JoinedPidNamespace&) = delete;

 private:
  UniqueFd own_;
};

}  // namespace netlend
