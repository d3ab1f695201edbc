#pragma once

#include <string>
#include <vector>

#include "net/policy.hpp"
#include "net/state_directory.hpp"

namespace netlend {

/// A configuration file and what it allows.
struct PolicyFile {
  std::string path;
  std::vector<PolicyRule> rules;
};

/// FOLDER/netlend.conf and FOLDER/conf.d/*.conf, those that are there. Throws as Policy::load().
std::vector<PolicyFile> read_policy_files(const std::string& folder);

/// The text of a configuration file: parse_policy(format_policy(rules)) == rules. Throws Error
/// (usage) where a pattern isn't UTF-8.
std::string format_policy(const std::vector<PolicyRule>& rules);

/// Where `netlend allow` writes to, below FOLDER/conf.d. The other files are the administrator's.
inline constexpr const char* kAllowFile = "50-netlend-allow.conf";

/// Adds `rule` to FOLDER/conf.d/kAllowFile, made as needed; a rule that any file has already is
/// success. Throws Error, with nothing changed, if a file there can't be trusted or understood.
void allow_rule(const StateDirectory& state, const PolicyRule& rule,
                const std::string& folder = Policy::kDefaultFolder);

/// Takes the very same `rule` out of FOLDER/conf.d/kAllowFile, and removes the file with its last
/// one. Throws Error if the rule isn't there, or stands in another file, which it names.
void disallow_rule(const StateDirectory& state, const PolicyRule& rule,
                   const std::string& folder = Policy::kDefaultFolder);

}  // namespace netlend
