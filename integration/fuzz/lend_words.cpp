#include <algorithm>

#include "base/text.hpp"
#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "net/plan/plan_parse.hpp"

namespace netlend::fuzz {

namespace {
// "For `lend`, the same words with name=INSIDE in place of INSIDE=SOURCE" (DESIGN.md, 5).
std::string spec_of(const NicPlan& nic, std::string_view source, std::string_view words) {
  std::string spec = nic.inside.str() + "=" + std::string(source);
  for (const auto word : split_words(words, " \t\n;")) {
    if (!word.starts_with("name=")) spec += " " + std::string(word);
  }
  return spec;
}
}  // namespace

/// `netlend lend SOURCE WORDS`, in one line.
void lend_words(std::string_view input) {
  const auto blank = std::min(input.find(' '), input.size());
  const auto source = input.substr(0, blank);
  const auto words = input.substr(blank);
  const auto nic = accepted_from_user([&] { return parse_lend_words(source, words); });
  if (!nic) return;
  require_plan_survives_a_file(Plan{.nics = {*nic}});
  // A source or a name that would split a SPEC, or that begins another one.
  const std::string spec = spec_of(*nic, source, words);
  constexpr std::size_t kSpecMaxBytes = 4096;
  if (spec.size() > kSpecMaxBytes) return;
  const std::string names = nic->inside.str() + std::string(source);
  if (names.find_first_of("=;,\"'\t\n") != std::string::npos) return;
  const auto same = accepted_from_user([&] { return parse_nic_spec(spec); });
  require(same && *same == *nic, "words say the same to `lend` as in a SPEC");
}

}  // namespace netlend::fuzz
