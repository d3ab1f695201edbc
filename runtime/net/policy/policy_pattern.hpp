#pragma once

#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/names.hpp"

/// The patterns of rules. A pattern that nothing can match is a mistake: whoever wrote it would
/// take for allowed, or for limited, what isn't. The checks throw Error (usage), with a sentence.
namespace netlend {

/// Of a name that a device can have.
void check_name_pattern(const std::string& pattern);
/// Of a ContainerId.
void check_container_pattern(const std::string& pattern);

/// Of a path from '/' on, of which neither `..` nor anything else is left to resolve. A '*' stands
/// for what has a '/' in it, too.
void check_path_pattern(const std::string& pattern);

/// Of a device at home: `dev:` its name, `alt:` an altname, `mac:` its permanent MAC address,
/// `pci:` its PCI address, `driver:` its driver; with none of these, a pattern that has a ':' is
/// for MAC and PCI addresses, and one without is for names and altnames, which have none.
void check_device_pattern(const std::string& pattern);

/// Of the addresses that can be asked for inside: a network without host bits, and not of loopback,
/// multicast or unspecified addresses alone.
void check_allowed_prefix(const IpPrefix& prefix);

/// Of the addresses that can be lent: also not of link-local ones alone.
void check_lendable_prefix(const IpPrefix& prefix);

/// The same as a rule has them, whatever their order and how often each is there.
std::vector<IpPrefix> sorted_once(std::vector<IpPrefix> prefixes);

/// Whether a pattern that check_device_pattern() takes means this device. `driver` is as
/// driver_of() names it; empty: unknown.
bool matches_device(const std::string& pattern, const LinkState& device, const std::string& driver);

}  // namespace netlend
