#pragma once

#include <optional>
#include <string>

#include "base/container_id.hpp"
#include "base/process.hpp"
#include "container/cgroup.hpp"
#include "oci-spec/fields.hpp"

namespace netlend {

/// What is written down of a container: `state.json` in its folder.
struct ContainerRecord {
  ContainerId id;
  /// The netlend that made it, or is about to.
  ProcessIdentity creator;
  /// Absent as long as it has no process.
  std::optional<ProcessIdentity> init;
  /// An absolute path; empty: a command without a bundle.
  std::string bundle;
  oci::Annotations annotations;
  /// When it was created: RFC 3339. Empty: it isn't yet.
  std::string created;
  /// Absent: it has none.
  std::optional<CgroupRecord> cgroup;
  bool operator==(const ContainerRecord&) const = default;
};

/// "2026-07-01T12:00:00.123456789Z": RFC 3339, as runc and crun write it.
std::string timestamp_now();

std::string format_record(const ContainerRecord& record);
/// Throws Error that says what is broken.
ContainerRecord parse_record(const std::string& text);

}  // namespace netlend
