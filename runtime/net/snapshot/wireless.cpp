#include "net/snapshot/wireless.hpp"

#include <fmt/core.h>
#include <linux/nl80211.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "net/kernel/sysfs.hpp"
#include "net/snapshot/record_json.hpp"

namespace netlend {

namespace {
std::optional<PhyInterface> interface_of(const std::vector<PhyInterface>& all, IfIndex ifindex) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& each) { return each.ifindex == ifindex; });
  if (found == all.end()) return std::nullopt;
  return *found;
}

/// By its id, else by its mark if that is on an interface of this phy.
std::optional<LinkState> find_interface(Site& site, const std::vector<PhyInterface>& interfaces,
                                        const Wireless& home, const std::string& mark) {
  for (const auto& each : interfaces) {
    if (each.id == home.interface && each.ifindex) return find_link(site.socket, *each.ifindex);
  }
  auto marked = find_link(site.socket, mark);
  if (!marked || !interface_of(interfaces, marked->ifindex)) return std::nullopt;
  return marked;
}

GenericSocket open_or_throw(const Netns& netns) {
  auto socket = open_wireless(netns);
  if (!socket) throw Error("the kernel doesn't know Wi-Fi any more (nl80211)");
  return *std::move(socket);
}
}  // namespace

std::optional<Phy> find_own_phy(Site& site, const LinkState& link) {
  if (!link.kind.empty()) return std::nullopt;  // As every physical device.
  const auto& sysfs = site.sysfs();
  if (!sysfs || !read_link_name(sysfs->get(), "class/net/" + link.name + "/phy80211")) {
    return std::nullopt;
  }
  auto socket = open_wireless(site.netns);
  const auto index = socket ? find_phy_of(*socket, link.ifindex) : std::nullopt;
  return index ? find_phy(*socket, *index) : std::nullopt;
}

std::optional<Wireless> observe_wireless(Site& site, const LinkState& link) {
  const auto phy = find_own_phy(site, link);
  if (!phy) return std::nullopt;
  auto socket = open_or_throw(site.netns);
  Wireless found{.phy = phy->index,
                 .phy_name = phy->name,
                 .settings = phy->settings,
                 .interface = 0,
                 .type = 0,
                 .power_save = find_power_save(socket, link.ifindex),
                 .interfaces = {}};
  const auto interfaces = list_phy_interfaces(socket, phy->index);
  if (const auto own = interface_of(interfaces, link.ifindex)) {
    found.interface = own->id;
    found.type = own->type;
  }
  for (const auto& each : interfaces) found.interfaces.push_back(each.id);
  return found;
}

std::vector<std::string> companions_on_phy(Site& site, const Wireless& wireless) {
  std::vector<std::string> names;
  auto socket = open_or_throw(site.netns);
  for (const auto& each : list_phy_interfaces(socket, wireless.phy)) {
    if (each.ifindex && each.id != wireless.interface) names.push_back(each.name);
  }
  return names;
}

std::string describe(const Wireless& wireless) {
  return fmt::format("its phy '{}' and that it is of type '{}'", printable(wireless.phy_name),
                     interface_type_name(wireless.type));
}

std::vector<std::string> wireless_differences(const Wireless& home,
                                              const std::optional<Wireless>& now) {
  if (!now || now->phy != home.phy) return {"it is not on its Wi-Fi phy any more"};
  std::vector<std::string> found;
  if (now->phy_name != home.phy_name) {
    found.push_back(fmt::format("phy is named '{}', was '{}' at home", printable(now->phy_name),
                                printable(home.phy_name)));
  }
  if (now->type != home.type) {
    found.push_back(fmt::format("Wi-Fi type is '{}', was '{}' at home",
                                interface_type_name(now->type), interface_type_name(home.type)));
  }
  if (now->power_save != home.power_save) {
    found.emplace_back("power saving of the Wi-Fi is not as it was at home");
  }
  for (const auto& [type, bytes] : home.settings) {
    const auto have = now->settings.find(type);
    if (have != now->settings.end() && have->second == bytes) continue;
    found.push_back(fmt::format("setting {} of its phy is not as it was at home", type));
  }
  return found;
}

std::optional<LinkState> find_on_phy(Site& site, const Wireless& home, const std::string& mark) {
  auto socket = open_wireless(site.netns);
  if (!socket || !find_phy(*socket, home.phy)) return std::nullopt;
  const auto interfaces = list_phy_interfaces(*socket, home.phy);
  if (auto found = find_interface(site, interfaces, home, mark)) return found;
  constexpr std::size_t kDigits = 8;
  const std::string name = "nl-" + mark.substr(mark.size() - std::min(mark.size(), kDigits));
  socket->call(add_interface(*socket, home.phy, {.name = name, .type = home.type},
                             fmt::format("make an interface of phy '{}' again", home.phy_name)));
  const auto made = find_link(site.socket, name);
  if (!made) return std::nullopt;
  site.socket.call(add_altname(made->ifindex, mark, fmt::format("mark '{}'", name)));
  return find_link(site.socket, made->ifindex);
}

void remove_foreign_interfaces(Site& site, const Wireless& home, IfIndex device,
                               const StepCallback& on_step) {
  auto socket = open_or_throw(site.netns);
  for (const auto& each : list_phy_interfaces(socket, home.phy)) {
    const bool was_there =
        std::find(home.interfaces.begin(), home.interfaces.end(), each.id) != home.interfaces.end();
    if (was_there || each.ifindex == device) continue;
    const Message message =
        remove_interface(socket, each.id,
                         fmt::format("remove interface '{}' of phy '{}'", printable(each.name),
                                     printable(home.phy_name)));
    if (on_step) on_step(message.doing());
    socket.call(message);
  }
}

void restore_wireless(Restoration& restoration, const Wireless& home) {
  attempt(restoration.failures, [&] {
    auto socket = open_or_throw(restoration.site.netns);
    const auto now =
        observe_wireless(restoration.site, read_link(restoration.site.socket, restoration.ifindex));
    if (!now || now->phy != home.phy) return;  // The comparison says so.
    remove_foreign_interfaces(restoration.site, home, restoration.ifindex, restoration.on_step);
    const auto call = [&](const Message& message) {
      restoration.step(message.doing(), [&] { socket.call(message); });
    };
    if (now->type != home.type) {
      call(set_interface_type(socket, restoration.ifindex, home.type,
                              restoration.doing("the Wi-Fi type")));
    }
    if (home.power_save && now->power_save != home.power_save) {
      call(set_power_save(socket, restoration.ifindex, *home.power_save,
                          restoration.doing("the power saving")));
    }
    if (now->phy_name != home.phy_name) {
      call(change_phy(socket, home.phy, restoration.doing("the name of the phy"))
               .put_string(NL80211_ATTR_WIPHY_NAME, home.phy_name));
    }
    for (const auto& [type, bytes] : home.settings) {
      const auto have = now->settings.find(type);
      if (have != now->settings.end() && have->second == bytes) continue;
      call(
          change_phy(socket, home.phy, restoration.doing("a setting of the phy")).put(type, bytes));
    }
  });
}

nlohmann::json to_json(const Wireless& wireless) {
  nlohmann::json object = {{"text", describe(wireless)},
                           {"phy", wireless.phy},
                           {"phy_name", bytes_to_utf8(wireless.phy_name)},
                           {"settings", raw_to_json(wireless.settings)},
                           {"interface", wireless.interface},
                           {"type", wireless.type},
                           {"interfaces", wireless.interfaces}};
  if (wireless.power_save) object["power_save"] = *wireless.power_save;
  return object;
}

Wireless wireless_from_json(const nlohmann::json& object) {
  Wireless wireless{.phy = object.at("phy"),
                    .phy_name = text_from_json(object.at("phy_name")),
                    .settings = raw_from_json(object.at("settings")),
                    .interface = object.at("interface"),
                    .type = object.at("type"),
                    .power_save = {},
                    .interfaces = object.at("interfaces").get<std::vector<std::uint64_t>>()};
  if (object.contains("power_save")) wireless.power_save = object.at("power_save");
  return wireless;
}

}  // namespace netlend
