#pragma once

#include <cstddef>

/// The texts of --help, as lines of at most 80 columns.
namespace netlend::cli {

/// Where the explanation of an option or a verb begins.
inline constexpr std::size_t kHelpColumn = 24;

struct HelpLine {
  /// What stands for the option's value.
  const char* value;
  const char* text;
};

struct VerbHelp {
  const char* name;
  /// A sentence for the list of verbs; behind an empty line the synopsis.
  const char* description;
  const char* footer;
};

extern const char* const kVersion;
extern const char* const kVersionText;
extern const char* const kProgramDescription;
extern const char* const kForceHelp;
extern const char* const kBundleVerbsHelp;

extern const VerbHelp kRunHelp;
extern const VerbHelp kCreateHelp;
extern const VerbHelp kStartHelp;
extern const VerbHelp kStateHelp;
extern const VerbHelp kKillHelp;
extern const VerbHelp kDeleteHelp;
extern const VerbHelp kListHelp;
extern const VerbHelp kInjectHelp;
extern const VerbHelp kLendHelp;
extern const VerbHelp kReturnHelp;
extern const VerbHelp kLoansHelp;
extern const VerbHelp kPlanHelp;
extern const VerbHelp kPlanRunHelp;
extern const VerbHelp kPlanLendHelp;
extern const VerbHelp kShowHelp;
extern const VerbHelp kReapHelp;
extern const VerbHelp kDoctorHelp;
extern const VerbHelp kAllowHelp;
extern const VerbHelp kDisallowHelp;
extern const VerbHelp kVersionHelp;

}  // namespace netlend::cli
