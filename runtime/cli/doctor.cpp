#include "lifecycle/doctor.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/loans_json.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

namespace {
constexpr std::size_t kWidth = 80;

std::string kernel_release() {
  utsname system{};
  ::uname(&system);
  return system.release;
}

std::string format_text(const std::vector<Finding>& findings) {
  std::string out = "Linux " + kernel_release() + "\n";
  for (const auto& finding : findings) {
    out += finding.missing ? wrap("  no   ", finding.subject + ": " + *finding.missing, kWidth)
                           : wrap("  yes  ", finding.subject, kWidth);
  }
  return out;
}

nlohmann::ordered_json to_json(const std::vector<Finding>& findings) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& finding : findings) {
    array.push_back({{"subject", finding.subject},
                     {"works", !finding.missing.has_value()},
                     {"needed", finding.is_needed}});
    if (finding.missing) array.back()["missing"] = *finding.missing;
  }
  return {{"netlend", 1}, {"kernel", kernel_release()}, {"findings", array}};
}
}  // namespace

int execute(const Session&, const DoctorArguments& arguments) {
  const auto findings = examine();
  print(arguments.format == OutputFormat::text ? format_text(findings)
                                               : format_json(to_json(findings)));
  const bool is_ill = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.is_needed && finding.missing;
  });
  return is_ill ? kExitFailed : kExitSuccess;
}

}  // namespace netlend::cli
