#include "net/kernel/filter.hpp"

#include <fmt/core.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/attr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/message.hpp"

namespace netlend {

namespace {
// What the kernel says of hardware, and doesn't take.
constexpr std::uint32_t kToldFlags =
    TCA_CLS_FLAGS_IN_HW | TCA_CLS_FLAGS_NOT_IN_HW | TCA_CLS_FLAGS_VERBOSE;

/// What becomes of an attribute that is sent again; of what isn't listed the kind decides.
enum class Fate { keep, drop, flags, actions };
struct Rule {
  int type;
  Fate fate;
};
struct Kind {
  const char* name;
  std::span<const Rule> rules;
  bool keeps_unlisted;
};

constexpr std::array<Rule, 4> kMatchall{{{TCA_MATCHALL_CLASSID, Fate::keep},
                                         {TCA_MATCHALL_ACT, Fate::actions},
                                         {TCA_MATCHALL_FLAGS, Fate::flags},
                                         {TCA_MATCHALL_PCNT, Fate::drop}}};
constexpr std::array<Rule, 7> kU32{{{TCA_U32_CLASSID, Fate::keep},
                                    {TCA_U32_HASH, Fate::keep},
                                    {TCA_U32_SEL, Fate::keep},
                                    {TCA_U32_INDEV, Fate::keep},
                                    {TCA_U32_ACT, Fate::actions},
                                    {TCA_U32_FLAGS, Fate::flags},
                                    {TCA_U32_PCNT, Fate::drop}}};
constexpr std::array<Rule, 6> kBpf{{{TCA_BPF_CLASSID, Fate::keep},
                                    {TCA_BPF_OPS_LEN, Fate::keep},
                                    {TCA_BPF_OPS, Fate::keep},
                                    {TCA_BPF_FLAGS, Fate::keep},
                                    {TCA_BPF_ACT, Fate::actions},
                                    {TCA_BPF_FLAGS_GEN, Fate::flags}}};
constexpr std::array<Rule, 3> kFlower{{{TCA_FLOWER_ACT, Fate::actions},
                                       {TCA_FLOWER_FLAGS, Fate::flags},
                                       {TCA_FLOWER_IN_HW_COUNT, Fate::drop}}};
constexpr std::array<Kind, 4> kKinds{{{"matchall", kMatchall, false},
                                      {"u32", kU32, false},
                                      {"bpf", kBpf, false},
                                      {"flower", kFlower, true}}};

// A program isn't told in a way in which it could be sent again.
constexpr const char* kMirred = "mirred";
// TCA_MIRRED_BLOCKID (Linux 6.8), which the headers of 6.1 haven't: it sends to a block of devices.
constexpr int kMirredBlock = TCA_MIRRED_PAD + 1;
constexpr std::array<const char*, 2> kActions{"gact", kMirred};
static_assert(int{TCA_GACT_PARMS} == int{TCA_MIRRED_PARMS} &&
              int{TCA_GACT_TM} == int{TCA_MIRRED_TM});

/// tc_gen, with which the parameters of every action begin (include/uapi/linux/pkt_cls.h).
struct Generic {
  std::uint32_t index;
  std::uint32_t capab;
  std::int32_t action;
  std::int32_t refcnt;
  std::int32_t bindcnt;
};

class Writer {
 public:
  void put(std::uint16_t type, std::string_view bytes) {
    // What ended without padding has it now, and can have become too long for its length field.
    if (bytes.size() > UINT16_MAX - NLA_HDRLEN) throw Error("a traffic filter is too long");
    const nlattr head{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + bytes.size()),
                      .nla_type = type};
    bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
    bytes_.append(bytes);
    bytes_.resize(NLA_ALIGN(bytes_.size()));
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Of several, one that can be helped is the last to be told.
void keep_reason(std::string& why_not, std::string other) {
  if (why_not.empty() || why_not == kSendsNowhere) why_not = std::move(other);
}

/// Without its index and counters; a `why_not` where others share it.
FilterOptions read_parameters(std::string_view bytes, bool is_severed) {
  FilterOptions read{.bytes = std::string(bytes), .why_not = {}};
  Generic generic{};
  if (bytes.size() < sizeof generic) return {.bytes = {}, .why_not = "an action is not known"};
  std::memcpy(&generic, bytes.data(), sizeof generic);
  if (is_severed) read.why_not = kSendsNowhere;
  if (generic.refcnt > 1 || generic.bindcnt > 1) read.why_not = "others share its action";
  if (!is_severed) generic.index = 0;
  generic.refcnt = 0;
  generic.bindcnt = 0;
  std::memcpy(read.bytes.data(), &generic, sizeof generic);
  return read;
}

std::optional<tc_mirred> mirror_in(std::string_view parameters) {
  tc_mirred mirror{};
  if (parameters.size() < sizeof mirror) return std::nullopt;
  std::memcpy(&mirror, parameters.data(), sizeof mirror);
  return mirror;
}

/// The kernel forgets the target as that leaves (net/sched/act_mirred.c, mirred_device_event).
bool is_severed(std::string_view kind, const Attributes& options) {
  if (kind != kMirred || options.find(kMirredBlock)) return false;
  const auto mirror = mirror_in(options.find(TCA_MIRRED_PARMS).value_or(""));
  return mirror && mirror->ifindex == 0;
}

FilterOptions read_action_options(std::string_view kind, std::string_view options) {
  Writer writer;
  std::string why_not;
  const Attributes attributes(options);
  // Where the machine wants eight bytes aligned, and they weren't just then.
  const int padding = kind == kMirred ? int{TCA_MIRRED_PAD} : int{TCA_GACT_PAD};
  for (const auto& [type, bytes] : attributes.all()) {
    if (type == TCA_GACT_TM || type == padding) continue;
    if (type != TCA_GACT_PARMS) {
      writer.put(type, bytes);
      continue;
    }
    const FilterOptions parameters = read_parameters(bytes, is_severed(kind, attributes));
    if (!parameters.why_not.empty()) why_not = parameters.why_not;
    writer.put(type, parameters.bytes);
  }
  return {.bytes = writer.take(), .why_not = std::move(why_not)};
}

FilterOptions read_action(std::string_view action) {
  const Attributes attributes(action);
  const std::string kind = attributes.text(TCA_ACT_KIND);
  if (std::find(kActions.begin(), kActions.end(), kind) == kActions.end()) {
    return {.bytes = {}, .why_not = fmt::format("its action is a '{}'", printable(kind))};
  }
  Writer writer;
  std::string why_not;
  for (const auto& [type, bytes] : attributes.all()) {
    if (type == TCA_ACT_OPTIONS) {
      FilterOptions options = read_action_options(kind, bytes);
      writer.put(type, options.bytes);
      why_not = std::move(options.why_not);
    } else if (type == TCA_ACT_KIND || type == TCA_ACT_COOKIE || type == TCA_ACT_FLAGS ||
               type == TCA_ACT_HW_STATS) {
      writer.put(type, bytes);
    }
  }
  return {.bytes = writer.take(), .why_not = std::move(why_not)};
}

FilterOptions read_actions(std::string_view actions) {
  Writer writer;
  std::string why_not;
  const Attributes attributes(actions);
  for (const auto& [type, bytes] : attributes.all()) {
    FilterOptions action = read_action(bytes);
    writer.put(type, action.bytes);
    if (!action.why_not.empty()) keep_reason(why_not, std::move(action.why_not));
  }
  return {.bytes = writer.take(), .why_not = std::move(why_not)};
}

std::string without_told_flags(std::string_view bytes) {
  std::uint32_t flags = 0;
  if (bytes.size() < sizeof flags) return std::string(bytes);
  std::memcpy(&flags, bytes.data(), sizeof flags);
  flags &= ~kToldFlags;
  return {reinterpret_cast<const char*>(&flags), sizeof flags};
}

FilterOptions read_by_rules(const Kind& kind, const Attributes& attributes) {
  Writer writer;
  std::string why_not;
  for (const auto& [type, bytes] : attributes.all()) {
    const auto rule =
        std::find_if(kind.rules.begin(), kind.rules.end(),
                     [wanted = int{type}](const Rule& each) { return each.type == wanted; });
    if (rule == kind.rules.end()) {
      if (kind.keeps_unlisted) {
        writer.put(type, bytes);
      } else {
        why_not = fmt::format("its attribute {} can't be set as it is told", type);
      }
    } else if (rule->fate == Fate::keep) {
      writer.put(type, bytes);
    } else if (rule->fate == Fate::flags) {
      writer.put(type, without_told_flags(bytes));
    } else if (rule->fate == Fate::actions) {
      FilterOptions actions = read_actions(bytes);
      writer.put(type, actions.bytes);
      if (!actions.why_not.empty()) keep_reason(why_not, std::move(actions.why_not));
    }
  }
  return {.bytes = writer.take(), .why_not = std::move(why_not)};
}

const Kind* find_kind(std::string_view name) {
  const auto known = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const Kind& each) { return name == each.name; });
  return known == kKinds.end() ? nullptr : &*known;
}

/// The parameters of each action of a filter's that mirrors or redirects; views into `options`.
std::vector<std::string_view> find_mirrors(std::string_view kind_name, std::string_view options) {
  std::vector<std::string_view> found;
  const Kind* kind = find_kind(kind_name);
  if (kind == nullptr) return found;
  for (const auto& rule : kind->rules) {
    if (rule.fate != Fate::actions) continue;
    const Attributes actions = Attributes(options).nested(rule.type);
    for (const auto& [number, bytes] : actions.all()) {
      const Attributes action(bytes);
      if (action.text(TCA_ACT_KIND) != kMirred) continue;
      const auto parameters = action.nested(TCA_ACT_OPTIONS).find(TCA_MIRRED_PARMS);
      if (parameters && mirror_in(*parameters)) found.push_back(*parameters);
    }
  }
  return found;
}
}  // namespace

FilterOptions read_filter_options(std::string_view kind, std::string_view options) {
  const Kind* known = find_kind(kind);
  if (known == nullptr) {
    return {.bytes = std::string(options), .why_not = "its kind is not one that can be written"};
  }
  const Attributes attributes(options);
  if (kind == "bpf" && !attributes.find(TCA_BPF_OPS)) {
    return {.bytes = std::string(options), .why_not = "a program can't be read back"};
  }
  return read_by_rules(*known, attributes);
}

std::vector<tc_mirred> mirrors_of(std::string_view kind, std::string_view options) {
  std::vector<tc_mirred> mirrors;
  for (const auto& parameters : find_mirrors(kind, options)) {
    mirrors.push_back(*mirror_in(parameters));
  }
  return mirrors;
}

bool aim_mirrors(std::string_view kind, std::string& options,
                 const std::function<std::optional<IfIndex>(const tc_mirred&)>& find_target) {
  bool all_aimed = true;
  for (const auto& parameters : find_mirrors(kind, options)) {
    tc_mirred mirror = *mirror_in(parameters);
    if (mirror.index == 0) continue;
    if (const auto target = find_target(mirror)) {
      mirror.ifindex = static_cast<std::uint32_t>(target->value);
      mirror.index = 0;
      const auto place = static_cast<std::size_t>(parameters.data() - options.data());
      std::memcpy(options.data() + place, &mirror, sizeof mirror);
    } else {
      all_aimed = false;
    }
  }
  return all_aimed;
}

}  // namespace netlend
