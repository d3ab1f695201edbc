#include "cli/planning.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/plan/plan_rules.hpp"

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

template <typename Arguments>
Plan plan_of(const Arguments& arguments) {
  Plan plan = read_plan_file(arguments.plan_path);
  for (const auto& spec : arguments.nics) {
    try {
      plan.nics.push_back(parse_nic_spec(spec));
    } catch (const Error& error) {
      throw error.within(fmt::format("--nic '{}'", printable(spec)));
    }
  }
  for (const auto& spec : arguments.l3) {
    try {
      plan.addresses.push_back(parse_l3_spec(spec));
    } catch (const Error& error) {
      throw error.within(fmt::format("--l3 '{}'", printable(spec)));
    }
  }
  check_plan(plan);
  return plan;
}

/// What the device is found by, if nothing says what it is to be called.
std::optional<DeviceSelector> selector_without_name(const std::string& device,
                                                    const std::string& words) {
  const auto split = split_words(words, kWordSeparators);
  const bool has_name = std::any_of(split.begin(), split.end(),
                                    [](const auto word) { return word.starts_with("name="); });
  const auto source = parse_source(device);
  const auto* selector = std::get_if<DeviceSelector>(&source);
  if (has_name || selector == nullptr || selector->by == DeviceSelector::By::name) {
    return std::nullopt;
  }
  return *selector;
}
}  // namespace

void check_is_no_command(const BundleArguments& arguments) {
  const auto config = arguments.bundle + "/config.json";
  if (::access(config.c_str(), F_OK) == 0 || errno != ENOENT) return;
  throw Error::usage(
      fmt::format("run: there is no bundle in '{0}', which has no config.json; if '{1}' is a "
                  "command, write 'netlend run -- {1}'",
                  printable(arguments.bundle), printable(arguments.id)));
}

Plan make_plan(const RunArguments& arguments) { return plan_of(arguments); }

Plan make_plan(const BundleArguments& arguments) { return plan_of(arguments); }

Plan make_plan(const LendingContext& context, const LendArguments& arguments, Reaping reaping) {
  Plan plan = read_plan_file(arguments.plan_path);
  std::string words;
  for (const auto& word : arguments.words) words += word + " ";
  if (is_ip_address(arguments.device.substr(0, arguments.device.find_first_of("/ ")))) {
    plan.addresses.push_back(parse_l3_spec(arguments.device + " " + words));
  } else if (!arguments.device.empty()) {
    if (const auto selector = selector_without_name(arguments.device, words)) {
      Site home{Netns::current()};
      words += "name=" + find_wanted(context, home, *selector, reaping).name;
    }
    plan.nics.push_back(parse_lend_words(arguments.device, words));
  }
  check_plan(plan);
  return plan;
}

}  // namespace netlend::cli
