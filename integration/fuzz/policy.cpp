#include "net/policy/policy.hpp"

#include "base/glob.hpp"
#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/policy/policy_file.hpp"

namespace netlend::fuzz {

namespace {
LinkState example_device() {
  LinkState link;
  link.name = "lan0";
  link.altnames = {"the-port-on-the-left"};
  link.address = std::string("\x02\x00\x00\x00\x00\xaa", 6);
  link.parent_bus = "pci";
  link.parent_device = "0000:0a:00.1";
  return link;
}

bool allows(std::vector<PolicyRule> rules, const NicPlan& nic, const LinkState* device) {
  const Policy policy{std::move(rules)};
  return accepted([&] {
           return policy.check({ContainerId{"db1"}}, {{nic, device}}), true;
         })
      .has_value();
}

// Nothing is allowed but by a rule that allows it alone.
void require_default_deny(const std::vector<PolicyRule>& rules, const NicPlan& nic,
                          const LinkState* device) {
  bool by_one = false;
  for (const auto& rule : rules) {
    const bool kind_fits = rule.device.has_value() == (device != nullptr);
    const bool allowed = allows({rule}, nic, device);
    require(kind_fits || !allowed, "a rule for devices is none for pairs, nor the reverse");
    by_one = by_one || allowed;
  }
  require(allows(rules, nic, device) == by_one, "rules allow together what one of them allows");
}
}  // namespace

// A rule that nothing can match would be taken for one that allows, or limits, something.
void require_possible(const PolicyRule& rule) {
  const TextShape ids{
      .places = std::vector<ByteSet>(ContainerId::kLengthMax, bytes_that(ContainerId::is_allowed)),
      .least_bytes = 1};
  const TextShape names{.places = std::vector<ByteSet>(kInterfaceNameMax, bytes_that(is_name_byte)),
                        .least_bytes = 1};
  const auto require_example = [](const std::optional<std::string>& pattern,
                                  const TextShape& shape) {
    if (!pattern) return;
    const auto example = example_of(*pattern, shape);
    require(example && matches_glob(*pattern, *example), "every pattern matches something");
  };
  require_example(rule.to, ids);
  require_example(rule.inside, names);
  require_example(rule.host_name, names);
  require_example(rule.bridge, names);
}

/// The text of netlend.conf.
void policy(std::string_view input) {
  const auto part = accepted([&] { return parse_configuration(input); });
  if (!part) return;
  const auto again = accepted([&] { return parse_configuration(format_configuration(*part)); });
  require(again && *again == *part, "a configuration is read as it was written");
  for (const auto& rule : part->rules) require_possible(rule);
  static const LinkState kDevice = example_device();
  static const NicPlan kNic = parse_nic_spec("eth0=lan0");
  static const NicPlan kPair = parse_nic_spec("eth0=veth:h0 bridge=br0 host-addr=10.0.0.1/24");
  require_default_deny(part->rules, kNic, &kDevice);
  require_default_deny(part->rules, kPair, nullptr);
}

}  // namespace netlend::fuzz
