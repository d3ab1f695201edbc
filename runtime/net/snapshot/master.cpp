#include "net/snapshot/master.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "net/kernel/port_attribute.hpp"

namespace netlend {

namespace {
std::string value_text(std::string_view bytes) {
  std::uint32_t number = 0;
  if (bytes.size() > sizeof number) return format_link_address(bytes);
  std::memcpy(&number, bytes.data(), bytes.size());
  return std::to_string(number);
}

bool is_same(const NamedMaster& left, const NamedMaster& right) {
  if (!left.master || !right.master) return left.master.has_value() == right.master.has_value();
  if (left.master->kind != right.master->kind) return false;
  if (left.name.empty() || right.name.empty()) return left.master->ifindex == right.master->ifindex;
  return left.name == right.name;
}

std::string text_of(const NamedMaster& named) {
  return named.master ? describe(*named.master, named.name) : "none";
}

/// Nothing where it is gone.
std::optional<LinkState> find_master(Site& site, const NamedMaster& home) {
  auto found = find_link(site.socket, home.master->ifindex);
  const bool is_it = found && (home.name.empty() || found->name == home.name);
  if (!is_it && !home.name.empty()) found = find_link(site.socket, home.name);
  if (found && !home.master->kind.empty() && found->kind != home.master->kind) return std::nullopt;
  return found;
}

/// Only what differs: a bond refuses what its mode has no use for, be it what the port has already.
void restore_attributes(Restoration& restoration, const LinkMaster& home) {
  RawAttributes attributes = home.port_attributes;
  if (home.kind == "bond") attributes.erase(IFLA_BOND_SLAVE_PERM_HWADDR);
  const LinkState now = read_link(restoration.site.socket, restoration.ifindex);
  if (now.master) {
    for (const auto& [type, bytes] : now.master->port_attributes) {
      const auto wanted = attributes.find(type);
      if (wanted != attributes.end() && wanted->second == bytes) attributes.erase(wanted);
    }
  }
  if (attributes.empty()) return;
  Message message = change_link(restoration.ifindex, restoration.doing("the port attributes"));
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_SLAVE_KIND, home.kind);
  message.begin(IFLA_INFO_SLAVE_DATA);
  for (const auto& [type, bytes] : attributes) message.put(type, bytes);
  restoration.call(message.end().end());
}
}  // namespace

std::optional<std::string> why_not_writable(const LinkMaster& master) {
  if (master.kind == "bridge" || master.kind == "bond" || master.kind == "vrf") return std::nullopt;
  return fmt::format("netlend doesn't restore places in a master of {}",
                     master.kind.empty() ? "unknown kind" : fmt::format("kind '{}'", master.kind));
}

std::string describe(const LinkMaster& master, const std::string& name) {
  const std::string_view kind = master.kind.empty() ? "master" : std::string_view(master.kind);
  if (name.empty()) return fmt::format("{} device {}", kind, master.ifindex.value);
  return fmt::format("{} '{}'", kind, printable(name));
}

std::vector<std::string> master_differences(const NamedMaster& home, const NamedMaster& now) {
  if (!is_same(home, now)) {
    return {fmt::format("master is {}, was {} at home", text_of(now), text_of(home))};
  }
  std::vector<std::string> found;
  if (!home.master) return found;
  const auto& have = now.master->port_attributes;
  for (const auto& [type, bytes] : home.master->port_attributes) {
    const auto value = have.find(type);
    if (value != have.end() && value->second == bytes) continue;
    found.push_back(fmt::format("{} in {} is {}, was {} at home",
                                port_attribute_name(home.master->kind, type), text_of(home),
                                value == have.end() ? "absent" : value_text(value->second),
                                value_text(bytes)));
  }
  if (home.bond && now.bond) {
    for (auto& difference : bond_differences(*home.bond, *now.bond, now.name)) {
      found.push_back(std::move(difference));
    }
  }
  return found;
}

const std::string& address_to_join_with(const LinkState& home) {
  if (!home.master || home.master->kind != "bond") return home.address;
  const auto found = home.master->port_attributes.find(IFLA_BOND_SLAVE_PERM_HWADDR);
  return found == home.master->port_attributes.end() ? home.address : found->second;
}

void restore_master(Restoration& restoration, const LinkState& now, const NamedMaster& home) {
  const auto have = now.master ? now.master->ifindex : IfIndex{0};
  if (!home.master) {
    if (now.master)
      restoration.call(
          set_link_master(restoration.ifindex, IfIndex{0}, restoration.doing("the master")));
    return;
  }
  attempt(restoration.failures, [&] {
    const auto master = find_master(restoration.site, home);
    if (!master) {
      throw Error(fmt::format("{}: {} is gone", restoration.doing("the master"), text_of(home)),
                  ENODEV);
    }
    if (home.bond) restore_bond(restoration, *home.bond, now, *master);
    const bool is_in = master->ifindex == have ||
                       restoration.call(set_link_master(restoration.ifindex, master->ifindex,
                                                        restoration.doing("the master")));
    if (is_in) restore_attributes(restoration, *home.master);
  });
}

}  // namespace netlend
