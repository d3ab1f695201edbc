#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

namespace netlend {

/// The name of a container: letters, digits, `_`, `+`, `-`, `.`, not `.` first, 1 to 128 bytes, so
/// that it is always one harmless path component (CVE class: crun#2074).
class ContainerId {
 public:
  /// Throws Error (usage) for anything else.
  explicit ContainerId(std::string_view text);

  static constexpr std::size_t kLengthMax = 128;
  /// Not for the first one, which can't be '.'.
  static bool is_allowed(char c) noexcept;

  const std::string& str() const noexcept { return text_; }
  static constexpr std::size_t kMadeUpDigits = 64;
  /// That many hex digits: podman, docker and containerd make up such an id for each container.
  bool is_made_up() const;
  /// For people: of a made-up id the first 12 digits, as those engines show it.
  std::string short_str() const;
  auto operator<=>(const ContainerId&) const = default;

 private:
  std::string text_;
};

/// Where an id that was made up begins in a text: its digits stand alone, as in "libpod-ID.scope".
/// Behind the text if there is none.
std::size_t find_made_up_id(std::string_view text);

}  // namespace netlend
