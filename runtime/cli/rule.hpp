#pragma once

#include "cli/arguments.hpp"
#include "net/policy/policy.hpp"

namespace netlend::cli {

/// The rule that the words of `netlend allow` and `netlend disallow` mean. Throws Error (usage) for
/// one that could allow nothing, and for a pair's options without a pair.
PolicyRule make_rule(const RuleArguments& arguments);

}  // namespace netlend::cli
