#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netlend {

/// What differs between two lists of IFLA_INFO_DATA, a sentence each, in the words of ip(8).
std::vector<std::string> kind_option_differences(std::string_view kind, std::string_view home,
                                                 std::string_view now);

}  // namespace netlend
