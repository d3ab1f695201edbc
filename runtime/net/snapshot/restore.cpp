#include "net/snapshot/restore.hpp"

#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/snapshot/comparison.hpp"
#include "net/snapshot/mark.hpp"
#include "net/snapshot/master.hpp"
#include "net/snapshot/restoration.hpp"
#include "net/snapshot/restore_routes.hpp"
#include "net/snapshot/settable.hpp"

namespace netlend {

namespace {
constexpr timespec kPollInterval{.tv_sec = 0, .tv_nsec = 1'000'000};
constexpr int kSettleTimeoutMs = 1000;
// With this off on the device and, as is the default, on "all", an address is valid at once: the
// host had it a moment ago. Source: net/ipv6/addrconf.c, addrconf_dad_begin.
constexpr const char* kDadSysctl = "ipv6/conf/accept_dad";
// Whoever writes it has the kernel make addresses by it. Source: net/ipv6/addrconf.c,
// addrconf_sysctl_stable_secret.
constexpr const char* kSecretSysctl = "ipv6/conf/stable_secret";

constexpr std::size_t kTokenBytes = 16;

template <typename Predicate>
bool poll_until(Predicate done, int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  while (!done()) {
    if (monotonic_ms() >= deadline) return false;
    ::nanosleep(&kPollInterval, nullptr);
  }
  return true;
}

bool is_link_local_ipv6(const AddressRecord& record) {
  return record.family == AF_INET6 && record.address().is_link_local();
}

template <typename Record>
bool contains(const std::vector<Record>& list, const Record& wanted) {
  return std::any_of(list.begin(), list.end(), [&](const Record& record) {
    if constexpr (requires { record.is_same_as(wanted); }) {
      return record.is_same_as(wanted);
    } else {
      return record == wanted;
    }
  });
}

bool is_same_list(const std::vector<AddressRecord>& left, const std::vector<AddressRecord>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& a, const auto& b) { return a.is_same_as(b); });
}

class Restorer {
 public:
  Restorer(Site& site, IfIndex ifindex, const DeviceSnapshot& home, const StepCallback& on_step)
      : site_(site),
        ifindex_(ifindex),
        home_(home),
        on_step_(on_step),
        now_(take_comparable(site, ifindex, home)) {}

  void run() {
    names();
    link();
    settings_before_up();
    master();
    if (needs_addresses()) addresses();
    set_up(home_.link.is_up());
    routes();
    neighbours();
    qdisc();
    settings_after_up();
    sysctls(home_.sysctls);
    addrgenmode(home_.link.addrgenmode);
    relations();
  }
  Failures take_failures() noexcept { return std::move(failures_); }

 private:
  std::string doing(std::string_view what) const {
    return fmt::format("restore {} of '{}'", what, home_.link.name);
  }
  bool call(const Message& message) {
    return attempt(failures_, [&] {
      if (on_step_) on_step_(message.doing());
      site_.socket.call(message);
    });
  }
  /// What gives the device a name that another may have been given meanwhile.
  bool call_for_name(const Message& message, const std::string& name) {
    return attempt(failures_, [&] {
      if (on_step_) on_step_(message.doing());
      try {
        site_.socket.call(message);
      } catch (const Error& error) {
        const auto other = find_link(site_.socket, name);
        if (error.errno_value() != EEXIST || !other || other->ifindex == ifindex_) throw;
        throw name_taken(*other, name);
      }
    });
  }
  Error name_taken(const LinkState& other, const std::string& name) const;

  void names();
  const std::string& wanted_address() const;
  void link();
  void tunables();
  void mode();
  void carrier();
  void master();
  void relations();
  bool needs_addresses() const;
  void addresses();
  void ipv4_addresses();
  void ipv6_addresses();
  void settle();
  void correct_deadlines();
  void other_flags();
  void set_up(bool up);
  void routes();
  void neighbours();
  void qdisc();
  void settings_before_up();
  void settings_after_up();
  void sysctls(const Sysctls& wanted);
  void addrgenmode(std::optional<std::uint8_t> mode);
  void token();

  Site& site_;
  IfIndex ifindex_;
  const DeviceSnapshot& home_;
  const StepCallback& on_step_;
  Failures failures_;
  /// What it is at this moment; its own name may be taken.
  DeviceSnapshot now_;
};

Error Restorer::name_taken(const LinkState& other, const std::string& name) const {
  return Error(
      fmt::format("{}: device '{}' has taken the name '{}' meanwhile; give that another name, then "
                  "run 'netlend reap'",
                  doing("the names"), printable(other.name), printable(name)),
      EEXIST);
}

void Restorer::names() {
  if (now_.link.name != home_.link.name &&
      call_for_name(rename_link(ifindex_, home_.link.name, doing("the name")), home_.link.name)) {
    // The kernel gives the addresses new labels then (net/ipv4/devinet.c, inetdev_changename).
    now_ = take_comparable(site_, ifindex_, home_);
  }
  const auto wanted = own_altnames(home_.link);
  if (const auto have = own_altnames(now_.link); have != wanted) {
    // They keep the order in which they were added.
    for (const auto& altname : have) {
      call(remove_altname(ifindex_, altname, doing(fmt::format("altname '{}'", altname))));
    }
    for (const auto& altname : wanted) {
      call_for_name(add_altname(ifindex_, altname, doing(fmt::format("altname '{}'", altname))),
                    altname);
    }
  }
  if (now_.link.alias != home_.link.alias) {
    call(change_link(ifindex_, doing("the alias")).put(IFLA_IFALIAS, home_.link.alias));
  }
}

const std::string& Restorer::wanted_address() const {
  if (home_.link.master && !now_.link.master) return address_to_join_with(home_.link);
  return home_.link.address;
}

void Restorer::link() {
  const std::string& address = wanted_address();
  if (now_.link.address != address) {
    set_up(false);  // Many drivers take an address only while the device is down.
    call(set_link_address(ifindex_, address, doing("the MAC address")));
  }
  if (now_.link.broadcast != home_.link.broadcast) {
    call(change_link(ifindex_, doing("the link broadcast address"))
             .put(IFLA_BROADCAST, home_.link.broadcast));
  }
  if (now_.link.mtu_bytes != home_.link.mtu_bytes) {
    call(set_link_mtu(ifindex_, home_.link.mtu_bytes, doing("the MTU")));
  }
  if (now_.link.kind_data != home_.link.kind_data) {
    Message message = change_link(ifindex_, doing("the options"));
    message.begin(IFLA_LINKINFO)
        .put_string(IFLA_INFO_KIND, home_.link.kind)
        .put(IFLA_INFO_DATA, home_.link.kind_data)
        .end();
    call(message);
  }
  token();
  other_flags();
  tunables();
  mode();
  carrier();
}

void Restorer::mode() {
  if (!home_.link.mode || now_.link.mode == home_.link.mode) return;
  Message message = set_link_mode(ifindex_, *home_.link.mode, doing("the link mode"));
  // The kernel heeds it only as a carrier comes: one that came up dormant would stay so
  // (net/core/link_watch.c, rfc2863_policy).
  const bool is_dormant =
      now_.link.is_up() && now_.link.has_carrier && (now_.link.flags & IFF_RUNNING) == 0;
  if (is_dormant && *home_.link.mode == IF_LINK_MODE_DEFAULT) {
    message.put_u8(IFLA_OPERSTATE, IF_OPER_UP);
  }
  call(message);
}

void Restorer::carrier() {
  const auto& wanted = home_.link.protocol_down;
  const auto& have = now_.link.protocol_down;
  if (wanted && have && wanted != have) {
    call(set_protocol_down(ifindex_, *wanted, wanted->reasons ^ have->reasons, doing("protodown")));
  }
  if (!has_settable_carrier(home_.link) || now_.link.has_carrier == home_.link.has_carrier) return;
  Failures of_tap;
  attempt(home_.link.kind == "tun" ? of_tap : failures_, [&] {
    site_.socket.call(set_link_carrier(ifindex_, home_.link.has_carrier, doing("the carrier")));
  });
}

void Restorer::tunables() {
  for (const auto& [type, value] : home_.link.tunables) {
    const auto found = now_.link.tunables.find(type);
    if (found != now_.link.tunables.end() && found->second == value) continue;
    call(change_link(ifindex_, doing("a limit")).put_u32(type, value));
  }
}

void Restorer::master() {
  Restoration restoration{site_, ifindex_, home_.link.name, on_step_, failures_};
  const NamedMaster wanted{home_.link.master, home_.relations.master_name};
  const NamedMaster have{now_.link.master, now_.relations.master_name};
  if (!master_differences(wanted, have).empty()) {
    // A bond takes nothing that is up.
    if (home_.link.master && home_.link.master->kind == "bond" && !now_.link.master) set_up(false);
    restore_master(restoration, now_.link, wanted);
    // It may have been set down for it, and up by it, and been given another link address.
    attempt(failures_, [&] { now_ = take_comparable(site_, ifindex_, home_); });
  }
  restore_before_up(restoration, home_.relations);
}

void Restorer::relations() {
  Restoration restoration{site_, ifindex_, home_.link.name, on_step_, failures_};
  restore_relations(restoration, home_.relations);
}

/// A lifetime is given in whole seconds from the moment that the kernel takes it, which can be in
/// the next second, and its own clock lags behind ours by up to a tick: what missed its deadline by
/// that is given anew.
void Restorer::correct_deadlines() {
  constexpr int kAttemptsMax = 5;
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    const auto have = list_addresses(site_.socket, ifindex_);
    bool all_right = true;
    for (const auto& record : home_.addresses) {
      if (!record.valid_until_s && !record.preferred_until_s) continue;
      if (contains(have, record)) continue;
      all_right = false;
      site_.socket.call(add_address(ifindex_, record, doing("the lifetime of an address")));
    }
    if (all_right) return;
  }
}

void Restorer::other_flags() {
  // IFF_UP has its moment of its own: addresses come first.
  const std::uint32_t wanted = settable_flags(home_.link);
  const std::uint32_t mask = (settable_flags(now_.link) ^ wanted) & ~std::uint32_t{IFF_UP};
  if (mask != 0) call(set_link_flags(ifindex_, wanted, mask, doing("the flags")));
}

void Restorer::set_up(bool up) {
  if (now_.link.is_up() == up) return;
  if (call(set_link_flags(ifindex_, up ? IFF_UP : 0, IFF_UP, doing("the up state")))) {
    now_.link.flags ^= IFF_UP;
  }
}

bool Restorer::needs_addresses() const {
  // One of whom an earlier attempt was killed is still to end its duplicate address detection.
  const bool is_tentative = std::any_of(now_.addresses.begin(), now_.addresses.end(),
                                        [](const auto& record) { return record.is_tentative(); });
  return is_tentative || now_.link.is_up() != home_.link.is_up() ||
         !is_same_list(now_.addresses, home_.addresses);
}

void Restorer::addresses() {
  Sysctls without_dad = home_.sysctls;
  if (without_dad.contains(kDadSysctl)) without_dad[kDadSysctl] = "0";
  sysctls(without_dad);
  // Without it the kernel would give the device a link-local address of its own at IFF_UP.
  if (home_.link.addrgenmode) addrgenmode(IN6_ADDR_GEN_MODE_NONE);
  if (!is_same_list(now_.addresses, home_.addresses)) {
    for (const auto& record : now_.addresses) {
      // A removed IPv4 address takes its secondaries with it: then it is gone already.
      Failures ignored;
      attempt(ignored,
              [&] { site_.socket.call(remove_address(ifindex_, record, doing("the addresses"))); });
    }
    now_.addresses.clear();
  }
  ipv4_addresses();
  set_up(home_.link.is_up());
  ipv6_addresses();
  settle();
}

void Restorer::ipv4_addresses() {
  for (const auto& record : home_.addresses) {
    if (record.family != AF_INET || contains(now_.addresses, record)) continue;
    call(add_address(ifindex_, record, doing(fmt::format("address {}", describe(record)))));
  }
}

void Restorer::ipv6_addresses() {
  // The kernel puts a new one in front of those of its scope (net/ipv6/addrconf.c,
  // ipv6_link_dev_addr), so the last goes in first.
  for (auto record = home_.addresses.rbegin(); record != home_.addresses.rend(); ++record) {
    if (record->family != AF_INET6 || contains(now_.addresses, *record)) continue;
    call(add_address(ifindex_, *record, doing(fmt::format("address {}", describe(*record)))));
  }
}

void Restorer::settle() {
  attempt(failures_, [&] {
    wait_for_addresses(site_, ifindex_, Which::all, kSettleTimeoutMs);
    correct_deadlines();
    // A link-local address that somebody removed at home would be made anew when IPv6 is ready.
    const bool had_link_local =
        std::any_of(home_.addresses.begin(), home_.addresses.end(), is_link_local_ipv6);
    if (!home_.link.ipv6_ready || had_link_local || !home_.link.is_up()) return;
    poll_until([&] { return read_link(site_.socket, ifindex_).ipv6_ready; }, kSettleTimeoutMs);
  });
}

void Restorer::routes() {
  Restoration restoration{site_, ifindex_, home_.link.name, on_step_, failures_};
  attempt(failures_, [&] { now_.routes = take_comparable(site_, ifindex_, home_).routes; });
  restore_routes(restoration, home_.routes, now_.routes);
  restore_dependent_routes(restoration, home_.dependent_routes);
}

void Restorer::neighbours() {
  attempt(failures_, [&] {
    now_.neighbours = list_neighbours(site_.socket, read_link(site_.socket, ifindex_));
  });
  for (const auto& neighbour : now_.neighbours) {
    if (contains(home_.neighbours, neighbour)) continue;
    call(remove_neighbour(ifindex_, neighbour, doing("neighbour " + describe(neighbour))));
  }
  for (const auto& neighbour : home_.neighbours) {
    if (contains(now_.neighbours, neighbour)) continue;
    call(add_neighbour(ifindex_, neighbour, doing("neighbour " + describe(neighbour))));
  }
}

void Restorer::qdisc() {
  attempt(failures_, [&] { now_.root_qdisc = read_root_qdisc(site_.socket, ifindex_); });
  if (!home_.root_qdisc || now_.root_qdisc == home_.root_qdisc) return;
  if (home_.root_qdisc->is_default()) {
    if (now_.root_qdisc && !now_.root_qdisc->is_default()) {
      call(remove_root_qdisc(ifindex_, doing("the root qdisc")));
    }
    return;
  }
  call(set_root_qdisc(ifindex_, *home_.root_qdisc, doing("the root qdisc")));
}

void Restorer::settings_before_up() {
  Restoration restoration{site_, ifindex_, home_.link.name, on_step_, failures_};
  if (home_.settings) restore_before_up(restoration, *home_.settings);
}

void Restorer::settings_after_up() {
  Restoration restoration{site_, ifindex_, home_.link.name, on_step_, failures_};
  if (home_.settings) restore_after_up(restoration, home_.root_qdisc, *home_.settings);
}

void Restorer::sysctls(const Sysctls& wanted) {
  Sysctls have;
  attempt(failures_, [&] { have = read_sysctls(site_.netns, now_.link.name); });
  for (const auto& setting : wanted) {
    const auto found = have.find(setting.first);
    if (found != have.end() && found->second == setting.second) continue;
    attempt(failures_, [&] {
      if (on_step_) on_step_(doing("sysctl " + setting.first));
      write_sysctl(site_.netns, now_.link.name, setting.first, setting.second);
      if (setting.first == kSecretSysctl) now_.link.addrgenmode = IN6_ADDR_GEN_MODE_STABLE_PRIVACY;
    });
  }
}

void Restorer::addrgenmode(std::optional<std::uint8_t> mode) {
  if (!mode || now_.link.addrgenmode == mode) return;
  call(set_link_addrgenmode(ifindex_, *mode, doing("addrgenmode")));
  now_.link.addrgenmode = mode;
}

/// It is taken only where the kernel would ask for routers and listen to them (net/ipv6/addrconf.c,
/// inet6_set_iftoken). What of home's keeps it from that was set after the token, and is again.
void Restorer::token() {
  if (now_.link.ipv6_token == home_.link.ipv6_token) return;
  if ((now_.link.flags & IFF_NOARP) != 0 &&
      call(set_link_flags(ifindex_, 0, IFF_NOARP, doing("the flags")))) {
    now_.link.flags &= ~std::uint32_t{IFF_NOARP};
  }
  sysctls({{"ipv6/conf/accept_ra", "2"}, {"ipv6/conf/router_solicitations", "1"}});
  std::string token = home_.link.ipv6_token;
  token.resize(kTokenBytes, '\0');
  call(set_link_token(ifindex_, token, doing("the IPv6 token")));
}
}  // namespace

Failures restore_device(Site& home, IfIndex ifindex, const DeviceSnapshot& snapshot,
                        const StepCallback& on_step) noexcept {
  Failures failures;
  attempt(failures, [&] {
    Restorer restorer(home, ifindex, snapshot, on_step);
    restorer.run();
    failures = restorer.take_failures();
  });
  return failures;
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

bool wait_for_addresses(Site& site, IfIndex ifindex, Which which, int timeout_ms) {
  return poll_until(
      [&] {
        const auto addresses = list_addresses(site.socket, ifindex);
        return std::none_of(addresses.begin(), addresses.end(), [&](const auto& record) {
          return record.is_tentative() && (which == Which::all || !is_link_local_ipv6(record));
        });
      },
      timeout_ms);
}

}  // namespace netlend
