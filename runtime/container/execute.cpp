#include "container/execute.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "container/exit_codes.hpp"

namespace netlend {

namespace {
std::vector<std::string> candidates(const std::string& program,
                                    const std::vector<std::string>& environment) {
  if (program.find('/') != std::string::npos) return {program};
  constexpr std::string_view kKey = "PATH=";
  std::vector<std::string> paths;
  for (const auto& entry : environment) {
    if (!entry.starts_with(kKey)) continue;
    for (const auto folder : split_words(std::string_view(entry).substr(kKey.size()), ":")) {
      paths.push_back(fmt::format("{}/{}", folder, program));
    }
  }
  return paths;
}

bool is_absent(int errno_value) { return errno_value == ENOENT || errno_value == ENOTDIR; }

StartFailure cannot_execute(const std::string& program, int errno_value) {
  const auto why = is_absent(errno_value)
                       ? "its interpreter or dynamic loader is not there (ENOENT)"
                       : errno_text(errno_value);
  return {.exit_code = kExitCannotExecute,
          .message = fmt::format("execute '{}': {}", printable(program), why)};
}

StartFailure not_found(const std::string& program) {
  const bool by_path = program.find('/') != std::string::npos;
  return {.exit_code = kExitNotFound,
          .message = fmt::format(
              "execute '{}': {} (ENOENT)", printable(program),
              by_path ? "no such file or directory" : "executable file not found in PATH")};
}

StartFailure no_command() {
  return {.exit_code = kExitNotFound, .message = "execute: no command given"};
}
}  // namespace

std::optional<StartFailure> why_not_executable(const std::vector<std::string>& command,
                                               const std::vector<std::string>& environment) {
  if (command.empty()) return no_command();
  std::optional<int> reason;
  for (const auto& path : candidates(command.front(), environment)) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
      reason = EACCES;
    } else if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) {
      return std::nullopt;
    } else if (!is_absent(errno)) {
      reason = errno;
    }
  }
  return reason ? cannot_execute(command.front(), *reason) : not_found(command.front());
}

std::vector<char*> exec_array(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  // execve(2) writes to neither list; its type is older than const.
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

StartFailure execute(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment) {
  if (command.empty()) return no_command();
  const auto arguments = exec_array(command);
  const auto variables = exec_array(environment);
  std::optional<int> reason;
  for (const auto& path : candidates(command.front(), environment)) {
    ::execve(path.c_str(), arguments.data(), variables.data());
    const int errno_value = errno;
    if (is_absent(errno_value) && ::faccessat(AT_FDCWD, path.c_str(), F_OK, 0) != 0) continue;
    reason = errno_value;
    // As execvp(3): a file that may not be executed doesn't end the search, anything else does.
    if (errno_value != EACCES) break;
  }
  return reason ? cannot_execute(command.front(), *reason) : not_found(command.front());
}

}  // namespace netlend
