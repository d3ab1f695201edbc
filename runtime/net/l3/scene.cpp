#include "net/l3/scene.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/poll_until.hpp"
#include "base/text.hpp"

namespace netlend {

void AddressScene::ensure(Site& site, const Message& message) const {
  constexpr std::array kDone{EEXIST, ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL};
  try {
    call(site, message);
  } catch (const Error& error) {
    if (std::find(kDone.begin(), kDone.end(), error.errno_value()) == kDone.end()) throw;
  }
}

bool is_any_address_lent(const StateDirectory& state) {
  return !list_names(state.addresses()).empty();
}

std::vector<Ledger> other_ledgers(const AddressScene& scene) {
  if (scene.others != nullptr) return *scene.others;
  std::vector<Ledger> others;
  for (const auto& name : list_ledgers(scene.state)) {
    if (name == scene.ledger.name) continue;
    std::optional<Ledger> ledger;
    Failures broken;  // Whoever reads that ledger for its own sake reports it.
    attempt(broken, [&] { ledger = load_ledger(scene.state, name); });
    if (ledger && ledger->home == scene.ledger.home) others.push_back(*std::move(ledger));
  }
  return others;
}

std::vector<Ledger> other_address_ledgers(const AddressScene& scene) {
  if (scene.others == nullptr && !is_any_address_lent(scene.state)) return {};
  auto others = other_ledgers(scene);
  std::erase_if(others, [](const Ledger& ledger) { return ledger.address_loans.empty(); });
  return others;
}

namespace {
constexpr Patience kPatience{.timeout_ms = 5'000, .interval_us = 500};

/// One question, whatever the number of routes; but another rule or device may come first.
bool is_found_local(Site& site, IfIndex device, const IpAddress& address) {
  Message message(RTM_GETROUTE, 0, "look up the route of an address of one's own");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(address.family());
  header.rtm_dst_len = static_cast<std::uint8_t>(address.bits());
  header.rtm_flags = RTM_F_FIB_MATCH;
  message.header(header);
  message.put(RTA_DST, address.bytes());
  Failures unreachable;
  bool is_local = false;
  attempt(unreachable, [&] {
    const auto reply = site.socket.get(message);
    is_local =
        reply.header<rtmsg>().rtm_type == RTN_LOCAL &&
        reply.attributes(sizeof header).u32(RTA_OIF) == static_cast<std::uint32_t>(device.value);
  });
  return is_local;
}

bool has_local_route(Site& site, IfIndex device, const IpAddress& address) {
  if (is_found_local(site, device, address)) return true;
  Message message(RTM_GETROUTE, 0, "look for the route of an address of one's own");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(address.family());
  message.header(header);
  message.put_u32(RTA_TABLE, RT_TABLE_LOCAL);
  message.put_u32(RTA_OIF, static_cast<std::uint32_t>(device.value));
  const auto replies = site.socket.dump(message, [&](const Reply& reply) {
    return reply.attributes(sizeof header).find(RTA_DST) == address.bytes() ? RouteSocket::Take::yes
                                                                            : RouteSocket::Take::no;
  });
  return !replies.empty();
}
}  // namespace

void wait_for_local_route(Site& site, IfIndex device, const IpAddress& address) {
  if (poll_until([&] { return has_local_route(site, device, address); }, kPatience)) return;
  throw Error(fmt::format("the kernel has entered no route for {} after {} ms", address.str(),
                          kPatience.timeout_ms),
              ETIMEDOUT);
}

void wait_until_sending(Site& site, IfIndex device) {
  if (poll_until([&] { return can_send(site.socket, device); }, kPatience)) return;
  throw Error(fmt::format("the device '{}' can't send after {} ms",
                          printable(read_link(site.socket, device).name), kPatience.timeout_ms),
              ETIMEDOUT);
}

IpPrefix host_prefix(const IpAddress& address) { return {address, address.bits()}; }

}  // namespace netlend
