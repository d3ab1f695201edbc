#include "oci-spec/state.hpp"

#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"

namespace netlend::fuzz {

/// What a hook reads from its standard input.
void state(std::string_view input) {
  const auto state = accepted([&] { return oci::parse_state(input); });
  if (!state) return;
  require(state->bundle.starts_with('/'), "a bundle is an absolute path");
  require(!state->pid || *state->pid > 0, "a pid is positive");
  const std::string text = oci::format_state(*state);
  require(text.find("\\u0000") == std::string::npos || text.find("\\\\u0000") != std::string::npos,
          "no string of a state holds a NUL");
  const auto again = accepted([&] { return oci::parse_state(text); });
  require(again && oci::format_state(*again) == text, "a state is read as it was written");
}

}  // namespace netlend::fuzz
