#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/kernel/link.hpp"

namespace netlend {

/// The mark that a device has as an altname while it is lent: "netlend-" and the loan's id, 16 hex
/// digits.
std::string make_mark(std::string_view loan_id);

bool is_mark(std::string_view altname);

/// What a device with this mark is called while another needs the name that it came with: "nl-" and
/// the first digits of the mark, no longer than IFNAMSIZ allows.
std::string passing_name(std::string_view mark);

/// The altnames without marks.
std::vector<std::string> own_altnames(const LinkState& link);

}  // namespace netlend
