#include "net/snapshot/restore_names.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "net/snapshot/mark.hpp"

namespace netlend {

namespace {
Error name_taken(const DeviceRestoration& device, const LinkState& other, const std::string& name) {
  return Error(
      fmt::format("{}: device '{}' has taken the name '{}' meanwhile; give that another name, then "
                  "run 'netlend reap'",
                  device.doing("the names"), printable(other.name), printable(name)),
      EEXIST);
}

/// Takes a name from a lent device, which the kernel has brought with what the borrower called it
/// and which gets its own as it is restored. False if the other is none.
bool take_from_lent(DeviceRestoration& device, const LinkState& other, const std::string& name) {
  const auto mark = std::find_if(other.altnames.begin(), other.altnames.end(), is_mark);
  if (mark == other.altnames.end()) return false;
  const std::string doing = device.doing(fmt::format("the name '{}'", printable(name)));
  device.site.socket.call(other.name == name
                              ? rename_link(other.ifindex, passing_name(*mark), doing)
                              : remove_altname(other.ifindex, name, doing));
  return true;
}

/// What gives the device a name that another may have been given meanwhile.
bool call_for_name(DeviceRestoration& device, const Message& message, const std::string& name) {
  return device.step(message.doing(), [&] {
    RouteSocket& socket = device.site.socket;
    try {
      socket.call(message);
    } catch (const Error& error) {
      const auto other = find_link(socket, name);
      if (error.errno_value() != EEXIST || !other || other->ifindex == device.ifindex) throw;
      if (!take_from_lent(device, *other, name)) throw name_taken(device, *other, name);
      socket.call(message);
    }
  });
}

void restore_altnames(DeviceRestoration& device) {
  const auto wanted = own_altnames(device.home.link);
  const auto have = own_altnames(device.now.link);
  if (have == wanted) return;
  const auto doing = [&](const std::string& altname) {
    return device.doing(fmt::format("altname '{}'", altname));
  };
  // They keep the order in which they were added.
  for (const auto& altname : have) {
    device.call(remove_altname(device.ifindex, altname, doing(altname)));
  }
  for (const auto& altname : wanted) {
    call_for_name(device, add_altname(device.ifindex, altname, doing(altname)), altname);
  }
}
}  // namespace

void restore_names(DeviceRestoration& device) {
  const std::string& name = device.home.link.name;
  if (device.now.link.name != name &&
      call_for_name(device, rename_link(device.ifindex, name, device.doing("the name")), name)) {
    // The kernel gives the addresses new labels then (net/ipv4/devinet.c, inetdev_changename).
    device.look_again();
  }
  restore_altnames(device);
  if (device.now.link.alias != device.home.link.alias) {
    device.call(change_link(device.ifindex, device.doing("the alias"))
                    .put(IFLA_IFALIAS, device.home.link.alias));
  }
}

Failures strip_foreign_altnames(Site& site, const LinkState& link,
                                const DeviceSnapshot& snapshot) noexcept {
  Failures failures;
  const auto& own = snapshot.link.altnames;
  for (const auto& altname : link.altnames) {
    if (is_mark(altname) || std::find(own.begin(), own.end(), altname) != own.end()) continue;
    attempt(failures, [&] {
      site.socket.call(remove_altname(
          link.ifindex, altname,
          fmt::format("remove the altname '{}' of '{}'", altname, snapshot.link.name)));
    });
  }
  return failures;
}

}  // namespace netlend
