#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/container_id.hpp"
#include "lifecycle/container_record.hpp"
#include "oci-spec/config.hpp"

namespace netlend {

/// A bundle, read once: what its config.json says later has no effect.
struct Bundle {
  /// Absolute, without symlinks.
  std::string path;
  /// Of config.json.
  std::string text;
  oci::Config config;
};

/// Throws Error "config.json: /the/pointer: what is wrong".
Bundle load_bundle(const std::string& folder);
oci::Config parse_bundle_config(const std::string& text);

/// What hooks read on their standard input, and `netlend state` is made of.
std::string state_text(const ContainerRecord& record, std::string_view status,
                       std::optional<pid_t> pid);

}  // namespace netlend
