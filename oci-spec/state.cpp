#include "oci-spec/state.hpp"

#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace netlend::oci {

namespace {
std::string read_state_version(const JsonNode& root) {
  // crun 1.8 tells its hooks so, where the spec has "1.0.0".
  constexpr const char* kOfCrun = "1.0";
  const auto version = find_present(root, "ociVersion");
  if (version && version->is_text() && version->text() == kOfCrun) return kOfCrun;
  return read_version(root);
}

std::optional<pid_t> read_pid(const JsonNode& root) {
  const auto node = find_present(root, "pid");
  if (!node) return std::nullopt;
  const auto pid = static_cast<pid_t>(node->number(0, std::numeric_limits<pid_t>::max()));
  // runc and crun write 0 where there is none.
  if (pid == 0) return std::nullopt;
  return pid;
}
}  // namespace

State parse_state(std::string_view json_text) {
  const JsonDocument document{json_text};
  const auto root = document.root();
  return State{.oci_version = read_state_version(root),
               .id = root.at("id").as<ContainerId>(),
               .status = root.at("status").text(),
               .pid = read_pid(root),
               .bundle = read_absolute_path(root.at("bundle")),
               .annotations = read_annotations(root)};
}

std::string format_state(const State& state) {
  nlohmann::json object{{"ociVersion", state.oci_version},
                        {"id", state.id.str()},
                        {"status", state.status},
                        {"bundle", state.bundle}};
  if (state.pid) object["pid"] = *state.pid;
  if (state.annotations) object["annotations"] = *state.annotations;
  try {
    return object.dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(fmt::format("bundle '{}': its path is not UTF-8, which JSON needs",
                            printable(state.bundle)));
  }
}

}  // namespace netlend::oci
