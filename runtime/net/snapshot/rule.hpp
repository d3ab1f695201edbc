#pragma once

#include <string>
#include <vector>

#include "net/snapshot/raw_record.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// The routing rules (fib_rule_hdr, FRA_*) that name the device as `iif` or `oif`, by its name or
/// an altname, in the kernel's order. They stay as the device leaves, without effect, and the
/// kernel attaches those by name again as it returns; those by altname it doesn't
/// (net/core/fib_rules.c, attach_rules).
std::vector<RawRecord> list_rules(RouteSocket& socket, const LinkState& link);

/// "100 from all iif lan0 lookup 300".
std::string describe_rule(const RawRecord& rule);

/// Those that are there without effect.
std::vector<std::string> rule_differences(const std::vector<RawRecord>& home,
                                          const std::vector<RawRecord>& now);

/// Those that aren't there: the kernel removes none with the device, so somebody at home did.
std::vector<std::string> removed_rules(const std::vector<RawRecord>& home,
                                       const std::vector<RawRecord>& now);

/// Gives those that are there effect again.
void restore_rules(Restoration& restoration, const LinkState& now,
                   const std::vector<RawRecord>& home);

}  // namespace netlend
