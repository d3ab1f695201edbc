#include "lifecycle/bundle_loans.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "container/cgroup.hpp"
#include "net/l3/kernel_mode.hpp"
#include "net/ledger/ledger.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/policy/asker.hpp"
#include "net/policy/policy.hpp"
#include "net/select.hpp"

namespace netlend {

namespace {
// Behind the bundle's path in the key of a ledger.
constexpr const char* kCommandLineKey = " --nic";
constexpr const char* kNetworkDevicesKey = " linux.netDevices";

Borrower with_key(const BundleBorrower& borrower, const char* key) {
  return {.id = borrower.record.id,
          .key = borrower.record.bundle + key,
          .netns = borrower.netns(),
          .process = borrower.record.init,
          .netns_path = {}};
}

/// All that they and the annotations ask for.
Plan whole_plan(const BundlePlans& plans, const oci::Annotations& annotations) {
  Plan all = plans.command_line;
  const auto asked = parse_annotations(annotations);
  const auto add = [&](const Plan& plan) {
    all.nics.insert(all.nics.end(), plan.nics.begin(), plan.nics.end());
    all.addresses.insert(all.addresses.end(), plan.addresses.begin(), plan.addresses.end());
  };
  add(plans.network_devices);
  if (asked) add(*asked);
  return all;
}

// What the kernel will say of its process, which isn't there yet.
Asker expected_asker(const Bundle& bundle, const ContainerId& id) {
  const std::filesystem::path cgroup = cgroup_path(bundle.config.linux.cgroups_path, id);
  return {.id = id,
          .cgroup = own_cgroup("0::" + (cgroup / "").lexically_normal().parent_path().string()),
          .bundle = bundle.path};
}
}  // namespace

Plan plan_network_devices(const oci::Config& config) {
  Plan plan;
  for (const auto& device : config.linux.network_devices) {
    try {
      const InterfaceName name{device.name};
      plan.nics.push_back(
          {.inside = InterfaceName::with_number(device.name_inside.empty() ? device.name
                                                                           : device.name_inside),
           .source = DeviceSelector{.by = DeviceSelector::By::name, .value = name.str()},
           .keep_addresses = true});
    } catch (const Error& error) {
      throw error.within("config.json: /linux/netDevices/" + printable(device.name));
    }
  }
  return plan;
}

void check_together(const BundlePlans& plans, const oci::Annotations& annotations) {
  Plan all = plans.command_line;
  // Which name one gets whose number is the kernel's to pick nobody knows yet.
  std::copy_if(plans.network_devices.nics.begin(), plans.network_devices.nics.end(),
               std::back_inserter(all.nics),
               [](const NicPlan& nic) { return !nic.inside.wants_number(); });
  const bool is_one_plan = all.nics.size() == plans.command_line.nics.size();
  const auto asked = parse_annotations(annotations);
  if (!asked && is_one_plan) return;  // Its lend checks it.
  if (asked) {
    all.nics.insert(all.nics.end(), asked->nics.begin(), asked->nics.end());
    all.addresses.insert(all.addresses.end(), asked->addresses.begin(), asked->addresses.end());
  }
  try {
    check_plan(all);
    Site home{Netns::current()};
    check_each_wanted_once(home, all);
  } catch (const Error& error) {
    throw error.within("what is asked for by the command line, /linux/netDevices and annotations");
  }
}

bool lends_addresses(const BundlePlans& plans, const oci::Annotations& annotations) {
  return !whole_plan(plans, annotations).addresses.empty();
}

std::optional<Netns> make_l3_namespace(const BundlePlans& plans,
                                       const oci::Annotations& annotations) {
  return make_l3_namespace(whole_plan(plans, annotations));
}

std::optional<std::string> lend_to_bundle(const LendingContext& context, const BundlePlans& plans,
                                          Lender lender, const BundleBorrower& borrower) {
  const auto by_annotations = parse_annotations(borrower.record.annotations);
  if (plans.command_line.is_empty() && plans.network_devices.nics.empty() && !by_annotations) {
    return std::nullopt;
  }
  const auto configuration = load_configuration();
  if (!plans.command_line.is_empty()) {
    lend_guarded(
        context, plans.command_line, with_key(borrower, kCommandLineKey),
        {.options = {.force = plans.force}, .lender = lender, .settings = configuration.settings});
  }
  if (by_annotations) {
    lend_by_policy(context, *by_annotations, with_key(borrower, ""),
                   {.lender = lender, .configuration = configuration});
  }
  if (plans.network_devices.nics.empty()) return std::nullopt;
  return lend_guarded(context, plans.network_devices, with_key(borrower, kNetworkDevicesKey),
                      {.options = {.force = Force::yes},
                       .lender = lender,
                       .following = Following::no,
                       .settings = configuration.settings});
}

Preview preview_bundle(const LendingContext& context, BundlePlans plans, const Bundle& bundle,
                       const ContainerId& id) {
  plans.network_devices = plan_network_devices(bundle.config);
  check_together(plans, bundle.config.annotations);
  Preview all;
  const auto add = [&](const Plan& plan, const LendOptions& options) {
    auto reports = preview(context, plan, nullptr, options);
    // Those of devices stand before those of addresses.
    const auto addresses = reports.begin() + static_cast<std::ptrdiff_t>(plan.nics.size());
    const auto place = all.reports.begin() + static_cast<std::ptrdiff_t>(all.plan.nics.size());
    all.reports.insert(place, reports.begin(), addresses);
    all.reports.insert(all.reports.end(), addresses, reports.end());
    all.plan.nics.insert(all.plan.nics.end(), plan.nics.begin(), plan.nics.end());
    all.plan.addresses.insert(all.plan.addresses.end(), plan.addresses.begin(),
                              plan.addresses.end());
  };
  const auto& namespaces = bundle.config.linux.namespaces;
  const bool has_own_network = std::any_of(
      namespaces.begin(), namespaces.end(),
      [](const auto& one) { return one.type == oci::NamespaceType::network && !one.path; });
  const bool in_l3 =
      has_own_network && wants_l3_namespace(whole_plan(plans, bundle.config.annotations));
  add(plans.network_devices, {.force = Force::yes});
  for (auto& report : all.reports) {
    if (!report.refusals.empty()) continue;
    report.changes.push_back(
        "it stays inside until the container's network namespace ends; then the kernel destroys "
        "it, if it is virtual, or brings it to the first namespace, where it is put right");
  }
  add(plans.command_line, {.force = plans.force, .is_in_l3_namespace = in_l3});
  const auto asked = parse_annotations(bundle.config.annotations);
  if (!asked) return all;
  const auto policy = load_configuration().policy;
  const auto asker = expected_asker(bundle, id);
  add(*asked,
      {.permission = [&](const auto& wanted) { policy.check(asker, wanted); },
       .address_permission = [&](const auto& wanted) { policy.check_addresses(asker, wanted); },
       .is_in_l3_namespace = in_l3});
  return all;
}

bool is_of_bundle(const ContainerStore& containers, const Ledger& ledger) {
  // Also where the container is known in another folder (--root).
  for (const char* key : {kCommandLineKey, kNetworkDevicesKey}) {
    if (ledger.key.ends_with(key)) return true;
  }
  Failures broken;  // A record that can't be read says nothing.
  std::optional<ContainerView> view;
  attempt(broken, [&] { view = containers.find(ledger.id); });
  return view && view->record.init && view->record.init == ledger.process;
}

Failures give_back_from(const LendingContext& context, const ContainerRecord& record) noexcept {
  Failures failures;
  if (!record.init) return failures;
  attempt(failures, [&] {
    for (const auto& name : ledgers_of(context.state, record.id)) {
      attempt(failures, [&] {
        const auto ledger = load_ledger(context.state, name);
        if (!ledger || ledger->process != record.init) return;
        for (auto& failure : give_back(context, name)) failures.push_back(std::move(failure));
      });
    }
  });
  return failures;
}

}  // namespace netlend
