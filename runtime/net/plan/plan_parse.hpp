#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "net/plan/plan.hpp"

namespace netlend {

/// `--nic 'INSIDE=SOURCE [words]'`. Throws Error (usage) that names the word and what it may be.
NicPlan parse_nic_spec(std::string_view spec);

/// The name of the device inside that has lent addresses, unless it is said.
inline constexpr std::string_view kAddressesInside = "eth0";

/// `--l3 'ADDR... [words]'`. Throws Error (usage) that names the word and what it may be.
AddressPlan parse_l3_spec(std::string_view spec, std::string_view inside = kAddressesInside);

/// The words behind `netlend lend DEVICE`: as a SPEC, with `name=INSIDE` in place of INSIDE=SOURCE.
/// Without `name=` a device keeps its name inside. Throws Error (usage).
NicPlan parse_lend_words(std::string_view source, std::string_view words);

/// The plan that annotations ask for: `io.netlend.nic.INSIDE` = "SOURCE [words]" each,
/// `io.netlend.l3` and `io.netlend.l3.INSIDE` = "ADDR... [words]", and `io.netlend.plan` = the text
/// of a plan file. Other keys are not ours. Nothing where none is. Throws Error (usage) that names
/// the key.
std::optional<Plan> parse_annotations(const std::map<std::string, std::string>& annotations);

/// A plan file's text (JSON, packaging/schema/plan.schema.json). Throws Error (usage) with the JSON
/// pointer of what is wrong; unknown members are refused.
Plan parse_plan_file(std::string_view json_text);

/// A plan file's text for `plan`: parse_plan_file(format_plan_file(p)) == p.
std::string format_plan_file(const Plan& plan);

/// Checks what holds between devices and addresses: names inside, sources and addresses are used
/// once, one gateway a family over all. Throws Error (usage). Every parser of a whole plan has
/// called it.
void check_plan(const Plan& plan);

}  // namespace netlend
