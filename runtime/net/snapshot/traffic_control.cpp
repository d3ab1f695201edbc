#include "net/snapshot/traffic_control.hpp"

#include <fmt/core.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "net/kernel/filter.hpp"

namespace netlend {

namespace {
// More are somebody's program's, not an administrator's, and no ledger's content.
constexpr std::size_t kRecordsMax = 512;
// Of this kind only are classes made by name (net/sched/sch_htb.c); those of mq and tbf come with
// the qdisc, and those of fq_codel come and go with the traffic.
constexpr std::string_view kKindWithClasses = "htb";
// The first hash table that u32 gives each priority of filters.
constexpr std::uint32_t kU32FirstTable = 0x800;

std::uint32_t major_of(std::uint32_t handle) { return handle & TC_H_MAJ_MASK; }
std::uint32_t minor_of(std::uint32_t handle) { return handle & TC_H_MIN_MASK; }

bool is_of_ingress(const TrafficRecord& record) {
  return major_of(record.parent) == major_of(TC_H_INGRESS) && record.parent != TC_H_ROOT;
}

Message about(std::uint16_t type, IfIndex ifindex, const TrafficRecord& record, std::string doing) {
  const bool makes = type == RTM_NEWQDISC || type == RTM_NEWTCLASS || type == RTM_NEWTFILTER;
  const std::uint16_t flags = makes ? NLM_F_CREATE | NLM_F_EXCL : 0;
  Message message(type, flags, std::move(doing));
  tcmsg header{};
  header.tcm_ifindex = ifindex.value;
  header.tcm_parent = record.parent;
  header.tcm_handle = record.handle;
  header.tcm_info = record.info;
  message.header(header);
  return message;
}

TrafficRecord parse(const Reply& reply) {
  const auto header = reply.header<tcmsg>();
  const Attributes attributes = reply.attributes(sizeof header);
  return {.parent = header.tcm_parent,
          .handle = header.tcm_handle,
          .info = header.tcm_info,
          .chain = attributes.u32(TCA_CHAIN).value_or(0),
          .kind = attributes.text(TCA_KIND),
          .options = std::string(attributes.find(TCA_OPTIONS).value_or("")),
          .why_not = {}};
}

TrafficRecord as_record(const QdiscRecord& qdisc, std::uint32_t parent) {
  TrafficRecord record{.parent = parent,
                       .handle = qdisc.handle,
                       .kind = qdisc.kind,
                       .options = qdisc.options,
                       .why_not = {}};
  if (const auto why = why_not_writable(qdisc)) record.why_not = *why;
  return record;
}

/// Reads the tree from the root down.
class Reader {
 public:
  Reader(Site& site, IfIndex ifindex) : site_(site), ifindex_(ifindex) {}

  TrafficControl read(const QdiscRoots& roots) {
    const auto& root = roots.root;
    // What is below one that can't be made again is lost with it.
    if (root && !root->is_default() && !why_not_writable(*root)) read_below(*root);
    if (roots.has_ingress) read_ingress();
    for (auto* list : {&traffic_.qdiscs, &traffic_.classes, &traffic_.filters}) {
      std::sort(list->begin(), list->end());
    }
    check_tables();
    check_size();
    return std::move(traffic_);
  }

 private:
  void read_ingress() {
    const auto ingress = read_qdisc(site_.socket, ifindex_, {.parent = TC_H_INGRESS});
    if (!ingress) return;
    traffic_.qdiscs.push_back(as_record(*ingress, TC_H_INGRESS));
    if (ingress->kind == "clsact") {
      read_filters(TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
      read_filters(TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
    } else {
      read_filters(ingress->handle);
    }
  }
  void read_below(const QdiscRecord& root) {
    read_filters(root.handle);
    for (const auto& reply :
         site_.socket.dump(about(RTM_GETTCLASS, ifindex_, {}, doing("list the traffic classes")))) {
      TrafficRecord record = parse(reply);
      // Of a class it is the handle of its qdisc; 0: the kernel's own.
      const std::uint32_t leaf = std::exchange(record.info, 0);
      if (leaf != 0) read_leaf(record, leaf);
      if (record.kind != kKindWithClasses) continue;
      read_filters(record.handle);
      traffic_.classes.push_back(std::move(record));
    }
  }
  void read_leaf(const TrafficRecord& owner, std::uint32_t handle) {
    const auto qdisc = read_qdisc(site_.socket, ifindex_, {.handle = handle});
    if (!qdisc) return;
    traffic_.qdiscs.push_back(as_record(*qdisc, owner.handle));
    read_filters(handle);
  }
  void read_filters(std::uint32_t parent) {
    const Message message =
        about(RTM_GETTFILTER, ifindex_, {.parent = parent}, doing("list the traffic filters"));
    for (const auto& reply : site_.socket.dump(message)) {
      TrafficRecord record = parse(reply);
      // Without a handle it is the priority; and the first table of one of u32 comes with it.
      const Attributes options(record.options);
      const bool is_table = record.kind == "u32" && options.find(TCA_U32_DIVISOR) &&
                            record.handle >> 20 >= kU32FirstTable;
      if (record.handle == 0 || is_table) continue;
      record.parent = parent;
      FilterOptions read = read_filter_options(record.kind, record.options);
      record.options = std::move(read.bytes);
      record.why_not = std::move(read.why_not);
      traffic_.filters.push_back(std::move(record));
    }
  }
  /// The kernel numbers u32's first tables in the order of their making: only where that is the
  /// order of the priorities is a filter found in its own again.
  void check_tables() {
    std::uint32_t expected = kU32FirstTable;
    std::set<std::uint32_t> infos;
    std::uint32_t parent = 0;
    for (auto& record : traffic_.filters) {
      if (record.kind != "u32") continue;
      if (record.parent != parent) {
        parent = record.parent;
        expected = kU32FirstTable;
        infos.clear();
      }
      if (infos.insert(record.info).second && infos.size() > 1) ++expected;
      if (record.handle >> 20 != expected) record.why_not = "it is in a hash table of its own";
    }
  }
  void check_size() {
    for (auto* list : {&traffic_.classes, &traffic_.filters}) {
      if (list->size() <= kRecordsMax) continue;
      TrafficRecord all = list->front();
      all.options.clear();
      all.why_not = fmt::format("there are {} like it, and at most {} are restored", list->size(),
                                kRecordsMax);
      *list = {std::move(all)};
    }
  }
  std::string doing(std::string_view what) const {
    return fmt::format("{} of device {}", what, ifindex_.value);
  }

  Site& site_;
  IfIndex ifindex_;
  TrafficControl traffic_;
};

std::string handle_text(std::uint32_t handle) {
  if (handle == TC_H_ROOT) return "root";
  if (handle == TC_H_INGRESS) return "ingress";
  const std::string minor = minor_of(handle) == 0 ? "" : fmt::format("{:x}", minor_of(handle));
  return fmt::format("{:x}:{}", handle >> 16, minor);
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
    Message message = about(type, restoration_.ifindex, record,
                            restoration_.doing(fmt::format("{} '{}'", what, describe(record))));
    message.put_string(TCA_KIND, record.kind);
    if (record.chain != 0) message.put_u32(TCA_CHAIN, record.chain);
    const std::string options =
        type == RTM_NEWQDISC ? options_to_send(record.kind, record.options) : record.options;
    if (!options.empty()) message.put(TCA_OPTIONS, options);
    restoration_.call(message);
  }

  Restoration& restoration_;
  const TrafficControl& traffic_;
  std::set<std::uint32_t> made_;
};
}  // namespace

TrafficControl read_traffic_control(Site& site, IfIndex ifindex, const QdiscRoots& roots) {
  return Reader(site, ifindex).read(roots);
}

std::vector<std::string> differences(const TrafficControl& home, const TrafficControl& now) {
  std::vector<std::string> found;
  compare("qdisc", home.qdiscs, now.qdiscs, found);
  compare("traffic class", home.classes, now.classes, found);
  compare("traffic filter", home.filters, now.filters, found);
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
      restoration.call(about(RTM_DELQDISC, restoration.ifindex, {.parent = TC_H_INGRESS},
                             restoration.doing("the ingress qdisc")));
    } else if (have != TrafficControl{} && root && !root->is_default()) {
      const std::string doing = restoration.doing("the root qdisc");
      restoration.call(remove_root_qdisc(restoration.ifindex, doing));
      restoration.call(set_root_qdisc(restoration.ifindex, *root, doing));
    }
    Maker(restoration, wanted).make();
  }
}

std::string describe(const TrafficRecord& record) {
  std::string text = fmt::format("{} {} parent {}", printable(record.kind),
                                 handle_text(record.handle), handle_text(record.parent));
  if (record.info != 0) {
    text += fmt::format(" protocol 0x{:04x} pref {}",
                        ntohs(static_cast<std::uint16_t>(record.info)), record.info >> 16);
  }
  if (record.chain != 0) text += fmt::format(" chain {}", record.chain);
  return text;
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
  return texts;
}

}  // namespace netlend
