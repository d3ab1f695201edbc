#include <fmt/core.h>
#include <syslog.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "oci-hook/hook.hpp"
#include "oci-hook/hygiene.hpp"
#include "oci-spec/json.hpp"

namespace {
constexpr std::size_t kStateMax = std::size_t{1} << 20;
// A refusal names each of up to 64 devices, with a command.
constexpr std::size_t kMessageMax = std::size_t{16} * 1024;

constexpr std::string_view kVersion = "netlend-hook " NETLEND_VERSION "\n";
constexpr std::string_view kHelp =
    "Lends network devices and addresses to the containers of an OCI runtime, and takes them "
    "back.\n"
    "\n"
    "  netlend-hook [createRuntime|prestart|poststop] [--deadline SECONDS]\n"
    "  netlend-hook precreate [--deadline SECONDS]\n"
    "\n"
    "A runtime calls it as a hook, with the container's state on standard input; podman at\n"
    "precreate with its config.json, which comes back changed. See netlend-hook(8).\n";

/// What a person at a terminal asks; nothing for what a runtime says.
std::optional<std::string_view> answer(const std::vector<std::string>& arguments) {
  if (arguments == std::vector<std::string>{"--help"}) return kHelp;
  if (arguments == std::vector<std::string>{"--version"}) return kVersion;
  return std::nullopt;
}

void complain(std::string_view message) {
  const auto line = fmt::format("netlend-hook: {}\n", netlend::printable(message, kMessageMax));
  // Nobody may be reading any more.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  // crun, and podman at poststop, show nobody what a hook says.
  ::syslog(LOG_DAEMON | LOG_ERR, "%.*s", static_cast<int>(line.size()), line.c_str());
}
}  // namespace

// Without the memory for a complaint there is nothing better than to terminate.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char* argv[]) {
  try {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    if (const auto text = answer(words)) {
      netlend::write_all(STDOUT_FILENO, *text, "standard output");
      return 0;
    }
    netlend::forget_caller();
    const auto arguments = netlend::parse_hook_arguments(words);
    netlend::set_deadline(arguments.deadline_s);
    if (arguments.stage == netlend::HookStage::precreate) {
      const auto config = netlend::read_all(STDIN_FILENO, netlend::JsonDocument::kBytesMax,
                                            "the container's config.json");
      netlend::write_all(STDOUT_FILENO, netlend::run_precreate(config), "standard output");
      return 0;
    }
    const auto state = netlend::read_all(STDIN_FILENO, kStateMax, "the container's state");
    const auto failures = netlend::run_hook(arguments.stage, state, complain);
    for (const auto& failure : failures) complain(failure.what);
    return failures.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    complain(error.what());
    return 1;
  }
}
