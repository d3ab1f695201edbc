#include "net/inject.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "cli/verbs.hpp"
#include "oci-spec/json.hpp"

namespace netlend::cli {

namespace {
constexpr const char* kConfig = "config.json";
constexpr mode_t kPermissions = 07777;

/// As 'make install' puts it beside this program, and as it is built.
std::string find_hook() {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const char* place : {"../libexec/oci/hooks.d/netlend-hook", "netlend-hook"}) {
    std::error_code error;
    const auto path = std::filesystem::canonical(folder / place, error);
    if (!error) return path.string();
  }
  throw Error(fmt::format(
      "netlend-hook, which is to lend to the container, is not in '{}'; install both together",
      (folder / "../libexec/oci/hooks.d").lexically_normal().string()));
}

void inject_into(const Session& session, const ContainerId& id, int folder,
                 const std::string& path) {
  // O_NONBLOCK: a FIFO has no writer to wait for.
  const UniqueFd file{
      check(::openat(folder, kConfig, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open", kConfig)};
  const auto config = read_all(file.get(), JsonDocument::kBytesMax, kConfig);
  const auto plan = plan_injection(config);
  if (!plan) return;
  struct stat status {};
  check(::fstat(file.get(), &status), "stat", kConfig);
  const auto injected = inject(
      session.lending(),
      {.id = id, .key = path + " inject", .engine = {}, .hook_path = find_hook()}, *plan, config);
  try {
    replace_file(folder, kConfig, injected.config, status.st_mode & kPermissions);
  } catch (const Error&) {
    static_cast<void>(session.report(give_back(session.lending(), injected.ledger_name)));
    throw;
  }
}
}  // namespace

int execute(const Session& session, const InjectArguments& arguments) {
  const ContainerId id{arguments.id};
  const UniqueFd folder{check(::open(arguments.bundle.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              "open the bundle", arguments.bundle)};
  const auto path = std::filesystem::canonical(arguments.bundle).string();
  try {
    inject_into(session, id, folder.get(), path);
    return kExitSuccess;
  } catch (const Error& error) {
    throw error.within(fmt::format("'{}/{}'", printable(path), kConfig));
  }
}

}  // namespace netlend::cli
