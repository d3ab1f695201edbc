#include "guardian/title.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
struct Area {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct StartingArea {
  Area words;
  Area environment;
};

// Behind the name, which may have any bytes, in parentheses. Source: proc(5), /proc/PID/stat.
std::optional<StartingArea> find_starting_area() {
  constexpr std::size_t kStatMax = 4096;
  constexpr std::size_t kArgStart = 48 - 3;  // The third field is the first behind the name.
  const auto text = read_file(AT_FDCWD, "/proc/self/stat", kStatMax);
  const auto fields = split_words(std::string_view(text).substr(text.rfind(')') + 1), " \n");
  if (fields.size() < kArgStart + 4) return std::nullopt;
  const auto address = [&](std::size_t nth) {
    return parse_number(fields[kArgStart + nth], UINT64_MAX).value_or(0);
  };
  const StartingArea area{.words = {address(0), address(1)},
                          .environment = {address(2), address(3)}};
  if (area.words.begin == 0 || area.words.end <= area.words.begin) return std::nullopt;
  return area;
}

void write_title(const StartingArea& area, std::string_view title) {
  // The kernel reads on in the environment where no NUL ends the words.
  const bool is_joined =
      area.environment.begin == area.words.end && area.environment.end > area.environment.begin;
  const auto end = is_joined ? area.environment.end : area.words.end;
  if (is_joined) ::clearenv();
  // The kernel says where it is by a number. NOLINTNEXTLINE(performance-no-int-to-ptr)
  const std::span room(reinterpret_cast<char*>(area.words.begin), end - area.words.begin);
  const auto shown = title.substr(0, room.size() - 1);
  const auto rest = std::copy(shown.begin(), shown.end(), room.begin());
  std::fill(rest, room.end(), '\0');
}
}  // namespace

void set_title(std::string_view title) noexcept {
  Failures ignored;
  attempt(ignored, [&] {
    if (const auto area = find_starting_area()) write_title(*area, title);
  });
}

}  // namespace netlend
