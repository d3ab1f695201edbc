#include "fuzz/oracle.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "net/plan/plan_parse.hpp"

namespace netlend::fuzz {

namespace {
// Two pieces of foreign text, each byte escaped, and our own words.
constexpr std::size_t kSentenceMaxBytes = std::size_t{2} * 4 * kPrintableMax + 1024;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The kernel takes any bytes as a name, JSON only UTF-8 (format_plan_file).
bool has_only_ascii_names(const NicPlan& nic) {
  if (!is_ascii(nic.inside.str()) || !is_ascii(describe_source(nic))) return false;
  const auto* pair = std::get_if<VethPair>(&nic.source);
  return pair == nullptr || !pair->bridge || is_ascii(pair->bridge->str());
}
}  // namespace

void require(bool holds, const std::string& promise) {
  if (!holds) throw Finding("not so: " + promise);
}

void require_sentence(std::string_view message) {
  require(!message.empty(), "an error says something");
  require(message.size() <= kSentenceMaxBytes, "an error is short");
  // printable() changes nothing but control and foreign bytes.
  require(printable(message, message.size()) == message, "an error repeats foreign bytes escaped");
}

void require_plan_survives_a_file(const Plan& plan) {
  const auto text = accepted([&] { return format_plan_file(plan); });
  if (!text) {
    require(!std::all_of(plan.nics.begin(), plan.nics.end(), has_only_ascii_names),
            "a plan with plain names can be written");
    return;
  }
  const auto again = accepted_from_user([&] { return parse_plan_file(*text); });
  require(again.has_value(), "a plan file that netlend wrote is accepted");
  require(*again == plan, "a plan is read as it was written");
  require(format_plan_file(*again) == *text, "a plan is written one way");
}

}  // namespace netlend::fuzz
