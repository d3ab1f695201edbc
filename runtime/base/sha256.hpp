#pragma once

#include <string>
#include <string_view>

namespace netlend {

/// SHA-256 of the bytes as 64 characters of lower case hex (libmd).
std::string sha256_hex(std::string_view bytes);

}  // namespace netlend
