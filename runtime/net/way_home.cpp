#include "net/way_home.hpp"

#include <fmt/core.h>
#include <linux/if.h>

#include <algorithm>

#include "net/move_device.hpp"
#include "net/snapshot/mark.hpp"
#include "net/snapshot/restore_names.hpp"
#include "net/snapshot/upper.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
// The kernel picks the number: the name that a device gets whose own is taken at home.
constexpr const char* kFallbackName = "netlend%d";

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
}  // namespace

LinkState WayHome::take(const Loan& loan, Location from) {
  prepare(loan, from);
  if (needs_staging(loan, from)) {
    // A full disk has no room for a staging namespace's pin: then it goes in one hop.
    Failures ignored;
    attempt(ignored, [&] {
      from = to_staging(loan, from);
      prepare(loan, from);
    });
  }
  if (from.link.name != loan.home_name()) {
    Failures ignored;  // Tried again at home.
    attempt(ignored, [&] {
      call(context_, *from.site,
           rename_link(from.link.ifindex, loan.home_name(),
                       fmt::format("restore the name '{}'", loan.home_name())));
    });
  }
  return hop_home(loan, from);
}

/// Makes it what it was at home as far as that can be done before it is seen there.
void WayHome::prepare(const Loan& loan, Location& at) {
  const std::string& name = loan.home_name();
  Failures ignored;  // Whatever is left is put right and reported at home.
  attempt(ignored, [&] {
    call(context_, *at.site,
         set_link_flags(at.link.ifindex, 0, IFF_UP, fmt::format("take down '{}'", name)));
  });
  static_cast<void>(strip_foreign_altnames(*at.site, at.link, *loan.home));
  attempt(ignored, [&] { put_mark_right(loan, at); });
  if (const auto& wireless = loan.home->relations.wireless) {
    attempt(ignored, [&] {
      remove_foreign_interfaces(*at.site, *wireless, at.link.ifindex, context_.on_step);
    });
  }
  attempt(ignored, [&] {
    // They would stay behind, and what stands on a device sees its frames wherever that is.
    for (const auto& upper : list_uppers(*at.site, at.link)) {
      call(context_, *at.site,
           delete_link(upper.ifindex, fmt::format("remove what stands on '{}'", name)));
    }
  });
  attempt(ignored, [&] { remove_uppers_elsewhere(at, name); });
  if (at.link.address != loan.home->link.address) {
    attempt(ignored, [&] {
      call(context_, *at.site,
           set_link_address(at.link.ifindex, loan.home->link.address,
                            fmt::format("restore the MAC address of '{}'", name)));
    });
  }
  if (at.link.mtu_bytes != loan.home->link.mtu_bytes) {
    attempt(ignored, [&] {
      call(context_, *at.site,
           set_link_mtu(at.link.ifindex, loan.home->link.mtu_bytes,
                        fmt::format("restore the MTU of '{}'", name)));
    });
  }
}

/// A borrower that has several can have exchanged their marks.
void WayHome::put_mark_right(const Loan& loan, const Location& at) {
  const std::string mark = loan.mark();
  const auto bearer = find_link(at.site->socket, mark);
  if (bearer && bearer->ifindex != at.link.ifindex) {
    call(context_, *at.site, remove_altname(bearer->ifindex, mark, "take off a forged mark"));
  }
  const auto& own = loan.home->link.altnames;
  for (const auto& altname : at.link.altnames) {
    if (!is_mark(altname) || altname == mark || contains(own, altname)) continue;
    call(context_, *at.site, remove_altname(at.link.ifindex, altname, "take off a foreign mark"));
  }
  if (!contains(at.link.altnames, mark)) {
    call(context_, *at.site, add_altname(at.link.ifindex, mark, "mark a device again"));
  }
}

/// Of what home itself has put on it, in its own namespace, none is taken off.
void WayHome::remove_uppers_elsewhere(Location& at, const std::string& name) {
  const auto home = nsid_of(*at.site, sites_.home().netns);
  for (const auto& upper : list_uppers_elsewhere(*at.site, at.link, home)) {
    call(context_, *at.site,
         delete_link_in(upper.link.ifindex, upper.nsid,
                        fmt::format("remove what stands on '{}' elsewhere", name)));
  }
}

bool WayHome::needs_staging(const Loan& loan, const Location& from) {
  if (from.where == Whereabouts::staging || !ledger_.pin) return false;
  if (from.where == Whereabouts::borrower && borrower_liveness(ledger_) != Liveness::dead) {
    return true;  // Its root could rename the device between two messages of ours.
  }
  if (from.where == Whereabouts::elsewhere) return true;  // Nor is it known who lives there.
  const auto taken = find_link(from.site->socket, loan.home_name());
  return taken && taken->ifindex != from.link.ifindex;
}

/// Under a name of its own and the index that it had at home, by which it is found there whatever
/// its borrower took off it, into a namespace that nobody else can enter.
Location WayHome::to_staging(const Loan& loan, const Location& from) {
  pass(context_, Step::make_staging);
  Site& staging = sites_.staging(context_.state, ledger_);
  pass(context_, Step::move_to_staging);
  Failures ignored;  // The answer may be lost, too: what counts is where it is.
  attempt(ignored, [&] {
    move_device(context_, {*from.site, from.link, *loan.home},
                {.netns_fd = staging.netns.fd(),
                 .ifindex = loan.home->link.ifindex,
                 .fallback_name = kFallbackName},
                fmt::format("move device '{}' into staging", loan.home_name()));
  });
  auto location = sites_.locate(loan);
  if (!location || location->where != Whereabouts::staging) {
    throw Error(fmt::format("move device '{}' into staging: it did not arrive", loan.home_name()));
  }
  return *std::move(location);
}

void WayHome::remove_altnames(const Location& from) {
  for (const auto& altname : read_link(from.site->socket, from.link.ifindex).altnames) {
    if (is_mark(altname)) continue;
    call(context_, *from.site,
         remove_altname(from.link.ifindex, altname,
                        fmt::format("take off the altname '{}'", altname)));
  }
}

LinkState WayHome::hop_home(const Loan& loan, const Location& from) {
  const std::string doing = fmt::format("move device '{}' home", loan.home_name());
  MoveTarget target{.netns_fd = sites_.home().netns.fd(),
                    .ifindex = loan.home->link.ifindex,
                    .fallback_name = {}};
  pass(context_, Step::move_home);
  // Each refusal leaves the device where it is; what is wished for beyond arriving is given up for
  // it, one wish at a time, and tried again or reported at home.
  for (bool has_altnames = true;;) {
    try {
      move_device(context_, {*from.site, from.link, *loan.home}, target, doing);
      break;
    } catch (const Error& error) {
      if (error.errno_value() == EBUSY && target.ifindex) {
        target.ifindex.reset();  // Somebody has its index.
      } else if (error.errno_value() == EEXIST && target.fallback_name.empty()) {
        target.fallback_name = kFallbackName;  // Somebody has its name ...
      } else if (error.errno_value() == EEXIST && has_altnames) {
        remove_altnames(from);  // ... or one of its altnames.
        has_altnames = false;
      } else {
        throw;
      }
    }
  }
  const auto location = sites_.locate(loan);
  if (!location || location->where != Whereabouts::home) {
    throw Error(doing + ": it did not arrive");
  }
  return location->link;
}

}  // namespace netlend
