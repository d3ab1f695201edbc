#include "lifecycle/bundle.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <climits>
#include <cstdlib>
#include <memory>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "oci-spec/state.hpp"

namespace netlend {

namespace {
constexpr const char* kConfig = "config.json";
// Of the spec that the state complies with: nothing in it has changed since.
constexpr const char* kSpecVersion = "1.0.2";

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};

std::string absolute(const std::string& folder) {
  const std::unique_ptr<char, Free> path{::realpath(folder.c_str(), nullptr)};
  if (!path) throw_errno(errno, "open the bundle", folder);
  return path.get();
}
}  // namespace

Bundle load_bundle(const std::string& folder) {
  const auto path = absolute(folder);
  const UniqueFd directory{
      check(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open the bundle", path)};
  // O_NONBLOCK: a FIFO has no writer to wait for.
  const UniqueFd file{check(::openat(directory.get(), kConfig, O_RDONLY | O_NONBLOCK | O_CLOEXEC),
                            "open", fmt::format("{}/{}", path, kConfig))};
  Bundle bundle{
      .path = path, .text = read_all(file.get(), JsonDocument::kBytesMax, kConfig), .config = {}};
  bundle.config = parse_bundle_config(bundle.text);
  return bundle;
}

oci::Config parse_bundle_config(const std::string& text) {
  try {
    return oci::parse_config(text);
  } catch (const Error& error) {
    throw error.within(kConfig);
  }
}

std::string state_text(const ContainerRecord& record, std::string_view status,
                       std::optional<pid_t> pid) {
  return oci::format_state({.oci_version = kSpecVersion,
                            .id = record.id,
                            .status = std::string(status),
                            .pid = pid,
                            .bundle = record.bundle,
                            .annotations = record.annotations});
}

}  // namespace netlend
