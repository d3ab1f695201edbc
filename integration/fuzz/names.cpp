#include "net/kernel/names.hpp"

#include <algorithm>
#include <cctype>

#include "base/container_id.hpp"
#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"

namespace netlend::fuzz {

namespace {
template <typename Name>
std::optional<Name> check_name(std::string_view input) {
  auto name = accepted_from_user([&] { return Name{input}; });
  if (!name) return std::nullopt;
  require(name->str() == input, "a name is kept as it was typed");
  require(name->str() != "." && name->str() != ".." && !name->str().empty() &&
              name->str().find_first_of(std::string_view("/\0", 2)) == std::string::npos,
          "a name is one harmless part of a path");
  return name;
}

void check_address(const IpAddress& address) {
  require(IpAddress{address.str()} == address, "an address is read as it was written");
  require(IpAddress::from_bytes(address.bytes()) == address, "an address is its bytes");
  require(address.bytes().size() * 8 == static_cast<std::size_t>(address.bits()),
          "an address has the bits of its family");
  require(address.is_unspecified() + address.is_loopback() + address.is_multicast() +
                  address.is_link_local() <=
              1,
          "an address is of one kind");
}

void check_prefix(const IpPrefix& prefix) {
  check_address(prefix.address());
  require(IpPrefix{prefix.str()} == prefix, "a prefix is read as it was written");
  require(prefix.contains(prefix.address()), "a prefix contains its own address");
  const IpPrefix network = prefix.network();
  require(!network.has_host_bits() && network.network() == network, "a network has no host bits");
  require(network.length_bits() == prefix.length_bits() && network.contains(prefix.address()) &&
              prefix.contains(network.address()),
          "a prefix and its network hold each other");
  require(prefix.has_host_bits() == (network.address() != prefix.address()),
          "host bits are what a network lacks");
}

void check_lower_case(std::string_view input, const std::string& result) {
  const bool same = std::equal(input.begin(), input.end(), result.begin(), result.end(),
                               [](unsigned char typed, char kept) {
                                 return static_cast<char>(std::tolower(typed)) == kept;
                               });
  require(same, "hex digits are kept in lower case");
}
}  // namespace

/// One name or address, of whatever kind.
void names(std::string_view input) {
  const auto name = check_name<InterfaceName>(input);
  const auto altname = check_name<AltName>(input);
  require(!name || altname, "a name can be an alternative name");
  check_name<ContainerId>(input);
  if (const auto address = accepted_from_user([&] { return IpAddress{input}; })) {
    check_address(*address);
    const auto destination = IpPrefix::parse_destination(input);
    require(destination.length_bits() == address->bits(), "an address is a network of one");
  }
  if (const auto prefix = accepted_from_user([&] { return IpPrefix{input}; })) {
    check_prefix(*prefix);
    require(IpPrefix::parse_destination(input) == *prefix, "a prefix is a destination");
  }
  if (const auto bytes = accepted([&] { return IpAddress::from_bytes(input); })) {
    check_address(*bytes);
  }
  if (const auto mac = accepted_from_user([&] { return MacAddress{input}; })) {
    require(MacAddress{mac->str()} == *mac, "a MAC address is read as it was written");
    check_lower_case(input, mac->str());
  }
  if (const auto pci = accepted_from_user([&] { return parse_pci_address(input); })) {
    require(parse_pci_address(*pci) == *pci, "a PCI address is read as it was written");
    check_lower_case(input, *pci);
  }
}

}  // namespace netlend::fuzz
