#include <fmt/core.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "net/kernel/filter.hpp"
#include "net/snapshot/traffic_control.hpp"

namespace netlend {

namespace {
// More are somebody's program's, not an administrator's, and no ledger's content.
constexpr std::size_t kRecordsMax = 512;
// Of this kind only are classes made by name (net/sched/sch_htb.c); those of mq and tbf come with
// the qdisc, and those of fq_codel come and go with the traffic.
constexpr std::string_view kKindWithClasses = "htb";
// Most devices have one of these, on which no filter can be (net/sched/sch_generic.c, sch_mq.c).
constexpr std::array<std::string_view, 4> kWithoutFilters{"noqueue", "noop", "pfifo_fast", "mq"};
// Of a flower template the kernel tells these in another way than it takes them: without the
// protocol they depend on, or the flag of nested ones (net/sched/cls_flower.c, fl_dump_key).
constexpr std::array kToldOtherwise{
    TCA_FLOWER_KEY_VLAN_ID,  TCA_FLOWER_KEY_VLAN_PRIO,  TCA_FLOWER_KEY_VLAN_ETH_TYPE,
    TCA_FLOWER_KEY_CVLAN_ID, TCA_FLOWER_KEY_CVLAN_PRIO, TCA_FLOWER_KEY_CVLAN_ETH_TYPE,
    TCA_FLOWER_KEY_ENC_OPTS, TCA_FLOWER_KEY_PPPOE_SID,  TCA_FLOWER_KEY_PPP_PROTO};
// The first hash table that u32 gives each priority of filters.
constexpr std::uint32_t kU32FirstTable = 0x800;

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
    if (root && root->is_default()) read_default(*root);
    // What is below one that can't be made again is lost with it.
    if (root && !root->is_default() && !why_not_writable(*root)) read_below(*root);
    if (roots.has_ingress) read_ingress();
    auto& chains = traffic_.chains;
    for (auto* list : {&traffic_.qdiscs, &traffic_.classes, &traffic_.filters, &chains}) {
      std::sort(list->begin(), list->end());
    }
    // A dump in several parts can tell one twice (net/sched/cls_api.c, tc_dump_chain).
    chains.erase(std::unique(chains.begin(), chains.end()), chains.end());
    check_tables();
    check_size();
    return std::move(traffic_);
  }

 private:
  /// The kernel's own queue can have filters, such as fq_codel, which systemd makes the usual one.
  void read_default(const QdiscRecord& root) {
    const bool takes_none = std::find(kWithoutFilters.begin(), kWithoutFilters.end(), root.kind) !=
                            kWithoutFilters.end();
    if (!takes_none) read_block(root.handle);
  }
  void read_ingress() {
    const auto ingress = read_qdisc(site_.socket, ifindex_, {.parent = TC_H_INGRESS});
    if (!ingress) return;
    traffic_.qdiscs.push_back(as_record(*ingress, TC_H_INGRESS));
    if (ingress->kind == "clsact") {
      read_block(TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
      read_block(TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
    } else {
      read_block(ingress->handle);
    }
  }
  void read_below(const QdiscRecord& root) {
    read_block(root.handle);
    for (const auto& reply : site_.socket.dump(
             traffic_message(RTM_GETTCLASS, ifindex_, {}, doing("list the traffic classes")))) {
      TrafficRecord record = parse(reply);
      // Of a class it is the handle of its qdisc; 0: the kernel's own.
      const std::uint32_t leaf = std::exchange(record.info, 0);
      if (leaf != 0) read_leaf(record, leaf);
      if (record.kind != kKindWithClasses) continue;
      read_block(record.handle);
      traffic_.classes.push_back(std::move(record));
    }
  }
  void read_leaf(const TrafficRecord& owner, std::uint32_t handle) {
    const auto qdisc = read_qdisc(site_.socket, ifindex_, {.handle = handle});
    if (!qdisc) return;
    traffic_.qdiscs.push_back(as_record(*qdisc, owner.handle));
    read_block(handle);
  }
  void read_block(std::uint32_t parent) { read_chains(parent, read_filters(parent)); }
  /// The numbers of the chains that have any.
  std::set<std::uint32_t> read_filters(std::uint32_t parent) {
    std::set<std::uint32_t> chains;
    const Message message = traffic_message(RTM_GETTFILTER, ifindex_, {.parent = parent},
                                            doing("list the traffic filters"));
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
      chains.insert(record.chain);
      traffic_.filters.push_back(std::move(record));
    }
    return chains;
  }
  /// Of a chain that has filters and no template the kernel doesn't tell who made it, and the
  /// filters make it again.
  void read_chains(std::uint32_t parent, const std::set<std::uint32_t>& with_filters) {
    const Message message = traffic_message(RTM_GETCHAIN, ifindex_, {.parent = parent},
                                            doing("list the filter chains"));
    for (const auto& reply : site_.socket.dump(message)) {
      TrafficRecord record = parse(reply);
      const bool has_template = !record.kind.empty();
      if (!has_template && with_filters.contains(record.chain)) continue;
      record.parent = parent;
      if (has_template) read_template(record);
      traffic_.chains.push_back(std::move(record));
    }
  }
  static void read_template(TrafficRecord& chain) {
    FilterOptions read = read_filter_options(chain.kind, chain.options);
    const Attributes options(chain.options);
    const bool is_told_otherwise =
        std::any_of(kToldOtherwise.begin(), kToldOtherwise.end(),
                    [&](int type) { return options.find(type).has_value(); });
    chain.why_not = std::move(read.why_not);
    if (is_told_otherwise) chain.why_not = "its template can't be set as it is told";
    chain.options = std::move(read.bytes);
  }
  /// The kernel numbers u32's first tables of a qdisc, be they on both sides of clsact, in the
  /// order of their making: only where that is the order of the list is a filter found in its own
  /// again. What it lists for one place are all the qdisc's tables of the priority
  /// (net/sched/cls_u32.c, u32_init and u32_walk).
  void check_tables() {
    struct Qdisc {
      std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> tables;
      std::map<std::uint32_t, std::set<std::pair<std::uint32_t, std::uint32_t>>> places;
    };
    std::map<std::uint32_t, Qdisc> qdiscs;
    for (const auto& record : traffic_.filters) {
      if (record.kind != "u32") continue;
      auto& places = qdiscs[major_of(record.parent)].places[TC_H_MAJ(record.info)];
      places.emplace(record.parent, record.chain);
    }
    for (auto& record : traffic_.filters) {
      if (record.kind != "u32") continue;
      auto& [tables, places] = qdiscs[major_of(record.parent)];
      tables.emplace(record.parent, record.chain, record.info);
      if (places[TC_H_MAJ(record.info)].size() > 1) {
        record.why_not =
            "others of its priority are on the other side or in another chain, and the kernel "
            "doesn't tell which is where";
      } else if (record.handle >> 20 < kU32FirstTable) {
        record.why_not = "it is in a hash table of its own";
      } else if (record.handle >> 20 != kU32FirstTable + tables.size() - 1) {
        record.why_not =
            "its table would get another number, as those of other priorities were made before it";
      }
    }
  }
  void check_size() {
    for (auto* list : {&traffic_.classes, &traffic_.filters, &traffic_.chains}) {
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

}  // namespace

TrafficControl read_traffic_control(Site& site, IfIndex ifindex, const QdiscRoots& roots) {
  return Reader(site, ifindex).read(roots);
}

}  // namespace netlend
