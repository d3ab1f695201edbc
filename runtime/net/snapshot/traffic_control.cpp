#include "net/snapshot/traffic_control.hpp"

#include <fmt/core.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

namespace netlend {

namespace {
bool is_of_ingress(const TrafficRecord& record) {
  return major_of(record.parent) == major_of(TC_H_INGRESS) && record.parent != TC_H_ROOT;
}

void compare(std::string_view what, const std::vector<TrafficRecord>& home,
             const std::vector<TrafficRecord>& now, std::vector<std::string>& found) {
  const auto report = [&](const auto& of, const auto& in, std::string_view verdict) {
    for (const auto& record : of) {
      if (std::binary_search(in.begin(), in.end(), record)) continue;
      found.push_back(fmt::format("{} '{}' {}", what, describe(record), verdict));
    }
  };
  report(home, now, "is missing or another one");
  report(now, home, "was not there at home");
}

/// One of its two sides: what hangs on the root, or what is at ingress.
TrafficControl side_of(const TrafficControl& traffic, bool ingress) {
  TrafficControl side;
  const auto copy = [&](const auto& from, auto& to) {
    std::copy_if(from.begin(), from.end(), std::back_inserter(to),
                 [&](const auto& record) { return is_of_ingress(record) == ingress; });
  };
  copy(traffic.qdiscs, side.qdiscs);
  copy(traffic.classes, side.classes);
  copy(traffic.filters, side.filters);
  copy(traffic.chains, side.chains);
  return side;
}

class Maker {
 public:
  Maker(Restoration& restoration, const TrafficControl& traffic)
      : restoration_(restoration), traffic_(traffic) {}

  /// What is below comes after what it is below.
  void make() {
    std::vector<bool> class_done(traffic_.classes.size());
    std::vector<bool> qdisc_done(traffic_.qdiscs.size());
    for (bool progress = true; progress;) {
      const bool made_class =
          make_ready(traffic_.classes, class_done, RTM_NEWTCLASS, "traffic class");
      const bool made_qdisc = make_ready(traffic_.qdiscs, qdisc_done, RTM_NEWQDISC, "qdisc");
      progress = made_class || made_qdisc;
    }
    // A template is a chain's before any filter is (net/sched/cls_api.c, tc_ctl_chain).
    for (const auto& chain : traffic_.chains) send(RTM_NEWCHAIN, "filter chain", chain);
    for (const auto& filter : traffic_.filters) send(RTM_NEWTFILTER, "traffic filter", filter);
  }

 private:
  bool is_ready(const TrafficRecord& record) const {
    if (record.parent == TC_H_INGRESS) return true;
    const auto is_pending = [&](const auto& list, std::uint32_t handle) {
      return std::any_of(list.begin(), list.end(), [&](const auto& other) {
        return other.handle == handle && !made_.contains(handle);
      });
    };
    return !is_pending(traffic_.classes, record.parent) &&
           !is_pending(traffic_.qdiscs, major_of(record.parent)) &&
           (minor_of(record.handle) == 0 || !is_pending(traffic_.qdiscs, major_of(record.handle)));
  }
  bool make_ready(const std::vector<TrafficRecord>& list, std::vector<bool>& done,
                  std::uint16_t type, std::string_view what) {
    bool any = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (done.at(i) || !is_ready(list.at(i))) continue;
      send(type, what, list.at(i));
      made_.insert(list.at(i).handle);
      done.at(i) = true;
      any = true;
    }
    return any;
  }
  void send(std::uint16_t type, std::string_view what, const TrafficRecord& record) {
    Message message =
        traffic_message(type, restoration_.ifindex, record,
                        restoration_.doing(fmt::format("{} '{}'", what, describe(record))));
    if (!record.kind.empty()) message.put_string(TCA_KIND, record.kind);
    if (record.chain != 0) message.put_u32(TCA_CHAIN, record.chain);
    const std::string options =
        type == RTM_NEWQDISC ? options_to_send(record.kind, record.options) : record.options;
    // Of a template that asks for nothing they are empty, and must be there.
    const bool is_template = type == RTM_NEWCHAIN && !record.kind.empty();
    if (!options.empty() || is_template) message.put(TCA_OPTIONS, options);
    restoration_.call(message);
  }

  Restoration& restoration_;
  const TrafficControl& traffic_;
  std::set<std::uint32_t> made_;
};
/// With nothing on it and below.
void make_root_anew(Restoration& restoration, const QdiscRecord& root) {
  const std::string doing = restoration.doing("the root qdisc");
  const auto remove = [&] { restoration.call(remove_root_qdisc(restoration.ifindex, doing)); };
  const auto set = [&](const QdiscRecord& qdisc) {
    restoration.call(set_root_qdisc(restoration.ifindex, qdisc, doing));
  };
  if (root.is_default()) {  // It can't be removed, but goes when there is another one.
    set({.kind = "pfifo", .handle = 0x10000, .options = {}});
    remove();
  } else {
    remove();
    set(root);
  }
}
}  // namespace

std::vector<std::string> differences(const TrafficControl& home, const TrafficControl& now) {
  std::vector<std::string> found;
  compare("qdisc", home.qdiscs, now.qdiscs, found);
  compare("traffic class", home.classes, now.classes, found);
  compare("traffic filter", home.filters, now.filters, found);
  compare("filter chain", home.chains, now.chains, found);
  return found;
}

std::vector<std::string> unrestorable(const TrafficControl& traffic) {
  std::vector<std::string> lost;
  const auto note = [&](std::string_view what, const auto& list) {
    for (const auto& record : list) {
      if (record.why_not.empty()) continue;
      lost.push_back(fmt::format("{} '{}' ({})", what, describe(record), record.why_not));
    }
  };
  note("qdisc", traffic.qdiscs);
  note("traffic class", traffic.classes);
  note("traffic filter", traffic.filters);
  note("filter chain", traffic.chains);
  return lost;
}

void remove_unrestorable(TrafficControl& traffic) {
  std::set<std::uint32_t> lost;
  for (const auto& qdisc : traffic.qdiscs) {
    if (!qdisc.why_not.empty()) lost.insert(major_of(qdisc.handle));
  }
  // With a qdisc goes what is below it.
  const auto remove_from = [&](auto& list) {
    std::erase_if(list, [&](const TrafficRecord& record) {
      return !record.why_not.empty() || lost.contains(major_of(record.parent));
    });
  };
  remove_from(traffic.qdiscs);
  remove_from(traffic.classes);
  remove_from(traffic.filters);
  remove_from(traffic.chains);
}

void restore_traffic_control(Restoration& restoration, const std::optional<QdiscRecord>& root,
                             const TrafficControl& home) {
  TrafficControl all;
  if (!attempt(restoration.failures, [&] {
        RouteSocket& socket = restoration.site.socket;
        const QdiscRoots roots{.root = read_root_qdisc(socket, restoration.ifindex),
                               .has_ingress = has_ingress_qdisc(socket, restoration.ifindex)};
        all = read_traffic_control(restoration.site, restoration.ifindex, roots);
      })) {
    return;
  }
  for (const bool ingress : {false, true}) {
    const TrafficControl wanted = side_of(home, ingress);
    const TrafficControl have = side_of(all, ingress);
    if (have == wanted) continue;
    if (have != TrafficControl{} && ingress) {
      restoration.call(traffic_message(RTM_DELQDISC, restoration.ifindex, {.parent = TC_H_INGRESS},
                                       restoration.doing("the ingress qdisc")));
    } else if (have != TrafficControl{} && root) {
      make_root_anew(restoration, *root);
    }
    Maker(restoration, wanted).make();
  }
}

std::vector<std::string> describe(const TrafficControl& traffic) {
  std::vector<std::string> texts;
  const auto add = [&](std::string_view what, const auto& list) {
    for (const auto& record : list) {
      texts.push_back(fmt::format("{} {}", what, describe(record)));
    }
  };
  add("qdisc", traffic.qdiscs);
  add("traffic class", traffic.classes);
  add("traffic filter", traffic.filters);
  add("filter chain", traffic.chains);
  return texts;
}

}  // namespace netlend
