#include "net/snapshot/relations.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/snapshot/master.hpp"
#include "net/snapshot/rule.hpp"

namespace netlend {

namespace {
void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}
}  // namespace

Relations observe_relations(Site& site, const LinkState& link, const Relations* at_home) {
  Relations found;
  if (link.master) {
    if (const auto master = find_link(site.socket, link.master->ifindex)) {
      found.master_name = master->name;
      if (master->kind == "bridge") {
        found.port = observe_bridge_port(site.socket, link.ifindex, *master);
      }
      if (master->kind == "bond") found.bond = observe_bond(site, link, *master);
    }
  }
  // The kernel goes through all devices for those of one (net/core/rtnetlink.c, rtnl_fdb_dump).
  const bool is_compared = at_home == nullptr || at_home->forwarding != Forwarding{};
  if (is_compared) found.forwarding = observe_forwarding(site, link);
  found.rules = list_rules(site.socket, link);
  found.functions = list_virtual_functions(site.socket, link);
  found.own_function = find_own_function(site, link);
  found.wireless = observe_wireless(site, link);
  return found;
}

std::vector<std::string> relation_differences(const Relations& home, const Relations& now) {
  std::vector<std::string> found;
  if (home.port) found = port_differences(*home.port, now.port.value_or(BridgePort{}));
  append(found, forwarding_differences(home.forwarding, now.forwarding));
  append(found, rule_differences(home.rules, now.rules));
  append(found, function_differences(home.functions, now.functions));
  if (home.wireless) append(found, wireless_differences(*home.wireless, now.wireless));
  if (home.own_function) {
    const auto have =
        now.own_function ? std::vector{now.own_function->function} : std::vector<RawRecord>{};
    append(found, function_differences({home.own_function->function}, have));
  }
  return found;
}

std::vector<std::string> describe_relations(const LinkState& link, const Relations& relations) {
  std::vector<std::string> out;
  if (link.master && !why_not_writable(*link.master)) {
    out.push_back("its place in " + describe(*link.master, relations.master_name));
  }
  if (relations.port) {
    for (const auto& vlan : relations.port->vlans) {
      out.push_back(fmt::format("VLAN {} of its bridge port", describe_vlan(vlan)));
    }
    for (const auto& group : relations.port->groups) {
      out.push_back(fmt::format("multicast group {} of its bridge port", describe_group(group)));
    }
  }
  for (const auto& entry : relations.forwarding.entries) {
    out.push_back("forwarding entry " + describe_entry(entry));
  }
  for (const auto& group : relations.forwarding.groups) {
    out.push_back("multicast address " + format_link_address(group));
  }
  for (const auto& rule : relations.rules) {
    out.push_back("routing rule " + printable(describe_rule(rule)));
  }
  for (const auto& hook : relations.hooks) out.push_back("its place in " + describe(hook));
  for (const auto& mirror : relations.mirrors) out.push_back(describe_mirror(mirror));
  if (relations.wireless) out.push_back(describe(*relations.wireless));
  for (const auto& function : relations.functions) {
    out.push_back("settings of its " + describe_function(function));
  }
  if (relations.own_function) {
    out.push_back(fmt::format("what {} says of it as {}", relations.own_function->physical,
                              describe_function(relations.own_function->function)));
  }
  return out;
}

bool has_given_address(const Relations& home, const LinkState& now) {
  return home.bond && home.bond->gives_address && now.master && now.master->kind == "bond";
}

void forget_master(Relations& relations) {
  relations.master_name.clear();
  relations.port.reset();
  relations.bond.reset();
}

void find_pointers(Site& home, const LinkState& link, Relations& relations) {
  // Else they are named as lost: attachment.hpp.
  if (keeps_empty_chains()) relations.hooks = list_netfilter_hooks(home.netns, link.name);
  relations.mirrors = list_mirrors(home.socket, link.ifindex);
}

namespace {
struct MissingHooks {
  /// The chain is there, without the device: the kernel has taken it out, or the chain was made
  /// anew while there was no such device.
  std::vector<NetfilterHook> unhooked;
  /// There is no such chain or flowtable any more.
  std::vector<NetfilterHook> removed;
};

MissingHooks missing_hooks(Site& home, const std::string& device,
                           const std::vector<NetfilterHook>& hooks) {
  MissingHooks missing;
  if (hooks.empty()) return missing;
  const auto have = list_netfilter_hooks(home.netns, device);
  for (const auto& hook : hooks) {
    if (std::find(have.begin(), have.end(), hook) != have.end()) continue;
    (is_there(home.netns, hook) ? missing.unhooked : missing.removed).push_back(hook);
  }
  return missing;
}

void restore_hooks(Restoration& restoration, const Relations& home) {
  attempt(restoration.failures, [&] {
    for (const auto& hook :
         missing_hooks(restoration.site, restoration.name, home.hooks).unhooked) {
      const std::string doing = restoration.doing("its place in " + describe(hook));
      restoration.step(doing,
                       [&] { add_to_hook(restoration.site.netns, hook, restoration.name, doing); });
    }
  });
}
}  // namespace

std::vector<std::string> pointer_differences(Site& home, const std::string& device,
                                             const Relations& relations) {
  std::vector<std::string> found = mirror_differences(home.socket, relations.mirrors);
  for (const auto& hook : missing_hooks(home, device, relations.hooks).unhooked) {
    found.push_back("it is not in " + describe(hook));
  }
  return found;
}

std::vector<std::string> removed_at_home(Site& home, const LinkState& now,
                                         const Relations& relations) {
  std::vector<std::string> removed;
  for (const auto& hook : missing_hooks(home, now.name, relations.hooks).removed) {
    removed.push_back(describe(hook));
  }
  append(removed, removed_mirrors(home.socket, now.ifindex, relations.mirrors));
  if (!relations.rules.empty()) {
    append(removed, removed_rules(relations.rules, list_rules(home.socket, now)));
  }
  return removed;
}

void restore_before_up(Restoration& restoration, const Relations& home) {
  if (home.wireless) restore_wireless(restoration, *home.wireless);
  restore_hooks(restoration, home);
  restore_mirrors(restoration, home.mirrors);
  attempt(restoration.failures, [&] {
    remove_foreign_entries(restoration, read_link(restoration.site.socket, restoration.ifindex),
                           home.forwarding);
  });
  if (!home.port) return;
  attempt(restoration.failures, [&] {
    const auto port = read_link(restoration.site.socket, restoration.ifindex);
    if (!port.master) return;  // Why not has been said.
    const auto bridge = read_link(restoration.site.socket, port.master->ifindex);
    restore_bridge_port(restoration, *home.port, bridge);
  });
}

void restore_relations(Restoration& restoration, const Relations& home) {
  attempt(restoration.failures, [&] {
    const auto now = read_link(restoration.site.socket, restoration.ifindex);
    if (home.port && now.master) {
      const auto bridge = read_link(restoration.site.socket, now.master->ifindex);
      restore_temporary_groups(restoration, *home.port, bridge);
    }
    restore_forwarding(restoration, now, home.forwarding);
    restore_rules(restoration, now, home.rules);
    restore_virtual_functions(restoration, now, home.functions);
    if (home.own_function) restore_own_function(restoration, *home.own_function);
  });
}

}  // namespace netlend
