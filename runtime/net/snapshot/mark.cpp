#include "net/snapshot/mark.hpp"

#include <net/if.h>

#include <algorithm>
#include <iterator>

namespace netlend {

namespace {
constexpr std::string_view kMarkPrefix = "netlend-";
constexpr std::size_t kMarkHexDigits = 16;
}  // namespace

std::string make_mark(std::string_view loan_id) { return std::string(kMarkPrefix).append(loan_id); }

bool is_mark(std::string_view altname) {
  return altname.size() == kMarkPrefix.size() + kMarkHexDigits &&
         altname.substr(0, kMarkPrefix.size()) == kMarkPrefix &&
         altname.find_first_not_of("0123456789abcdef", kMarkPrefix.size()) ==
             std::string_view::npos;
}

std::string passing_name(std::string_view mark) {
  constexpr std::string_view kPrefix = "nl-";
  return std::string(kPrefix).append(
      mark.substr(kMarkPrefix.size(), IFNAMSIZ - 1 - kPrefix.size()));
}

std::vector<std::string> own_altnames(const LinkState& link) {
  std::vector<std::string> names;
  std::copy_if(link.altnames.begin(), link.altnames.end(), std::back_inserter(names),
               [](const auto& name) { return !is_mark(name); });
  return names;
}

}  // namespace netlend
