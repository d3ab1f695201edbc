#pragma once

#include <string>
#include <vector>

#include "net/ledger/state_directory.hpp"
#include "net/policy/policy.hpp"

namespace netlend {

/// A configuration file and what it says.
struct PolicyFile {
  std::string path;
  ConfigurationPart part;
};

/// FOLDER/netlend.conf and FOLDER/conf.d/*.conf, those that are there. In that order. Throws as
/// load_configuration().
std::vector<PolicyFile> read_policy_files(const std::string& folder);

/// The text of a configuration file: parse_configuration(format_configuration(part)) == part.
/// Throws Error (usage) where a pattern isn't UTF-8.
std::string format_configuration(const ConfigurationPart& part);

/// Where `netlend allow` writes to, below FOLDER/conf.d. The other files are the administrator's.
inline constexpr const char* kAllowFile = "50-netlend-allow.conf";

/// Adds `rule` to FOLDER/conf.d/kAllowFile, made as needed; a rule that any file has already is
/// success. Throws Error, with nothing changed, if a file there can't be trusted or understood.
void allow_rule(const StateDirectory& state, const PolicyRule& rule,
                const std::string& folder = kConfigurationFolder);

/// Takes the very same `rule` out of FOLDER/conf.d/kAllowFile, and removes the file if it
/// says nothing any more. Throws Error if the rule isn't there, or stands in another file, which it
/// names.
void disallow_rule(const StateDirectory& state, const PolicyRule& rule,
                   const std::string& folder = kConfigurationFolder);

}  // namespace netlend
