#include "net/for_plan.hpp"

#include <fmt/core.h>

#include "base/text.hpp"

namespace netlend {

namespace {
/// All that the plan lends.
std::string devices_of(const Plan& plan) {
  std::string out;
  for (const auto& lent : plan.addresses) {
    out += fmt::format("{}'{}'", out.empty() ? "" : ", ", describe_addresses(lent));
  }
  for (const auto& nic : plan.nics) {
    out += fmt::format("{}'{}'", out.empty() ? "" : ", ", printable(nic.inside.str()));
  }
  return out;
}
}  // namespace

Error met_by_lending(const Plan& plan, const ContainerId& borrower, const Error& error) {
  return error.within(fmt::format("lend {} to '{}'", devices_of(plan), borrower.str()));
}

}  // namespace netlend
