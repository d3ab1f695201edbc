#include "net/kernel/raw_attributes.hpp"

#include "net/kernel/names.hpp"

namespace netlend {

std::string address_text(const RawAttributes& attributes, std::uint16_t type) {
  const auto found = attributes.find(type);
  return found == attributes.end() ? "" : IpAddress::from_bytes(found->second).str();
}

}  // namespace netlend
