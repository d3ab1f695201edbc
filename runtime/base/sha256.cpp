#include "base/sha256.hpp"

#include <sys/types.h>
// libmd's header needs the types above it.
#include <sha2.h>

#include <array>

namespace netlend {

std::string sha256_hex(std::string_view bytes) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> digest{};
  ::SHA256Data(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), digest.data());
  return digest.data();
}

}  // namespace netlend
