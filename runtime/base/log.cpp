#include "base/log.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <ctime>
#include <utility>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr mode_t kLogMode = 0640;
constexpr std::size_t kMessageMax = 8192;

UniqueFd open_log(const std::string& path) {
  return UniqueFd{check(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kLogMode),
                        "open log", path)};
}

std::string_view level_name(LogLevel level) {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text, kMessageMax)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text.data(), length};
}
}  // namespace

Log::Log(std::string path, LogFormat format) : path_(std::move(path)), format_(format) {
  if (!path_.empty()) open_log(path_);
}

void Log::write(LogLevel level, std::string_view message) const {
  if (path_.empty()) return;
  const std::string line = format_ == LogFormat::json
                               ? fmt::format(R"({{"level":"{}","msg":{},"time":"{}"}})",
                                             level_name(level), json_string(message), timestamp())
                               : fmt::format(R"(time="{}" level={} msg={})", timestamp(),
                                             level_name(level), json_string(message));
  write_all(open_log(path_).get(), line + "\n", path_);
}

}  // namespace netlend
