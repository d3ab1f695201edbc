#include "lifecycle/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace netlend {

namespace {
constexpr std::array<std::string_view, 5> kKept{"COLORTERM", "LANG", "LANGUAGE", "TERM", "TZ"};
constexpr std::string_view kKeptPrefix = "LC_";
}  // namespace

std::vector<std::string> command_environment(const std::vector<std::string>& caller) {
  // `container` is how programs know: systemd.io/CONTAINER_INTERFACE.
  std::vector<std::string> result{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
      "USER=root", "LOGNAME=root", "container=netlend"};
  for (const auto& entry : caller) {
    const auto name = std::string_view(entry).substr(0, entry.find('='));
    const bool is_kept = std::ranges::find(kKept, name) != kKept.end();
    if (is_kept || name.starts_with(kKeptPrefix)) result.push_back(entry);
  }
  return result;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

}  // namespace netlend
