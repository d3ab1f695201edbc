#include "cli/planning.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "net/plan_parse.hpp"

namespace netlend::cli {

namespace {
constexpr std::size_t kPlanFileMaxBytes = std::size_t{1024} * 1024;

Plan read_plan_file(const std::optional<std::string>& path) {
  if (!path) return {};
  try {
    return parse_plan_file(read_file(AT_FDCWD, *path, kPlanFileMaxBytes));
  } catch (const Error& error) {
    throw error.within(fmt::format("plan file '{}'", *path));
  }
}

Plan make_plan(const std::optional<std::string>& path, const std::vector<std::string>& nics) {
  Plan plan = read_plan_file(path);
  for (const auto& spec : nics) plan.nics.push_back(parse_nic_spec(spec));
  check_plan(plan);
  return plan;
}
}  // namespace

Plan make_plan(const RunArguments& arguments) {
  return make_plan(arguments.plan_path, arguments.nics);
}

Plan make_plan(const BundleArguments& arguments) {
  return make_plan(arguments.plan_path, arguments.nics);
}

Plan make_plan(const LendArguments& arguments) {
  Plan plan = read_plan_file(arguments.plan_path);
  if (!arguments.device.empty()) {
    std::string words;
    for (const auto& word : arguments.words) words += word + " ";
    plan.nics.push_back(parse_lend_words(arguments.device, words));
  }
  check_plan(plan);
  return plan;
}

}  // namespace netlend::cli
