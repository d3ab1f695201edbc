#include "net/plan/plan_parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/plan/plan_rules.hpp"

namespace netlend {

namespace {
constexpr std::size_t kSpecMaxBytes = 4096;
constexpr std::string_view kAnnotationPrefix = "io.netlend.";
constexpr std::string_view kNicAnnotation = "io.netlend.nic.";
constexpr std::string_view kL3Annotation = "io.netlend.l3";
constexpr std::string_view kPairSource = "veth:";
constexpr std::string_view kPlanAnnotation = "io.netlend.plan";

[[noreturn]] void refuse(const std::string& why) { throw Error::usage(why); }

bool parse_yes_no(std::string_view value) {
  if (value != "yes" && value != "no") refuse("use yes or no");
  return value == "yes";
}

VethPair& pair_of(NicPlan& nic) {
  auto* pair = std::get_if<VethPair>(&nic.source);
  if (pair == nullptr) {
    refuse(fmt::format("only for a pair that is made, as in INSIDE=veth:; '{}' is there already",
                       printable(describe_source(nic))));
  }
  return *pair;
}

void add_gateway(NicPlan& nic, std::string_view value) {
  nic.gateways.push_back(Gateway{.address = parse_next_hop(value)});
}

void set_onlink(NicPlan& nic, std::string_view value) {
  if (nic.gateways.empty()) refuse("it belongs behind the gw= that it is about");
  if (nic.gateways.back().onlink) refuse("it is there twice for one gw=");
  nic.gateways.back().onlink = parse_yes_no(value);
}

void add_route(NicPlan& nic, std::string_view value) {
  const auto at = value.find('@');
  PlannedRoute route{.destination = parse_route_destination(value.substr(0, at)), .via = {}};
  if (at != std::string_view::npos) route.via = parse_next_hop(value.substr(at + 1));
  nic.routes.push_back(route);
}

void set_mtu(NicPlan& nic, std::string_view value) {
  const auto mtu_bytes = parse_number(value, kMtuMax);
  if (!mtu_bytes) refuse(fmt::format("use {} to {} bytes", kMtuMin, kMtuMax));
  nic.mtu_bytes = static_cast<std::uint32_t>(*mtu_bytes);
}

void set_keep(NicPlan& nic, std::string_view value) {
  if (value != "addresses") refuse("use keep=addresses");
  nic.keep_addresses = true;
}

/// Whose word it is.
enum class Of { all, device, pair };

struct Key {
  std::string_view name;
  Of of;
  bool repeats;
  void (*apply)(NicPlan& nic, std::string_view value);
};

constexpr std::array kKeys{
    Key{"addr", Of::all, true,
        [](auto& nic, auto v) { nic.addresses.push_back(parse_own_address(v)); }},
    Key{"gw", Of::all, true, add_gateway},
    Key{"onlink", Of::all, true, set_onlink},
    Key{"route", Of::all, true, add_route},
    Key{"mtu", Of::all, false, set_mtu},
    Key{"mac", Of::all, false, [](auto& nic, auto v) { nic.mac = MacAddress{v}; }},
    Key{"up", Of::all, false, [](auto& nic, auto v) { nic.up = parse_yes_no(v); }},
    Key{"dad", Of::all, false, [](auto& nic, auto v) { nic.dad = parse_yes_no(v); }},
    Key{"keep", Of::device, false, set_keep},
    Key{"bridge", Of::pair, false,
        [](auto& nic, auto v) { pair_of(nic).bridge = InterfaceName{v}; }},
    Key{"host-addr", Of::pair, true,
        [](auto& nic, auto v) { pair_of(nic).host_addresses.push_back(parse_own_address(v)); }},
};

const Key* find_key(std::string_view name) {
  const auto* key = std::find_if(kKeys.begin(), kKeys.end(),
                                 [&](const Key& known) { return known.name == name; });
  return key == kKeys.end() ? nullptr : key;
}

struct Word {
  std::string_view text;
  std::string_view key;
  std::string_view value;
};

[[noreturn]] void refuse_word(std::string_view text, std::string_view why) {
  refuse(fmt::format("word '{}': {}", printable(text), why));
}

void check_characters(std::string_view text) {
  if (text.size() > kSpecMaxBytes) {
    refuse(fmt::format("{} bytes; use at most {}, or a plan file", text.size(), kSpecMaxBytes));
  }
  const auto bad = text.find_first_of(",\"'");
  if (bad != std::string_view::npos) {
    refuse(
        fmt::format("'{}': a SPEC has no commas and no quotes; write a key once for each value "
                    "(addr=A addr=B), and names with such characters in a plan file",
                    printable(text)));
  }
}

/// How a name inside is given: by a word `key`, else it is `otherwise`.
struct Naming {
  std::string_view key;
  std::string_view otherwise;
};

[[noreturn]] void refuse_unknown(std::string_view text, std::string_view source,
                                 const Naming& naming) {
  const Of other = source.starts_with(kPairSource) ? Of::device : Of::pair;
  std::vector<std::string_view> known{naming.key};
  for (const auto& key : kKeys) {
    if (key.of != other) known.push_back(key.name);
  }
  refuse_word(text, fmt::format("unknown; known are {}=", fmt::join(known, "=, ")));
}

std::vector<Word> split_keys(const std::vector<std::string_view>& texts, std::string_view source,
                             const Naming& naming) {
  std::vector<Word> words;
  std::set<std::string_view> seen;
  for (const auto text : texts) {
    const auto equals = text.find('=');
    const Word word{text, text.substr(0, equals),
                    equals == std::string_view::npos ? "" : text.substr(equals + 1)};
    const Key* key = find_key(word.key);
    if (equals == std::string_view::npos || (key == nullptr && word.key != naming.key)) {
      refuse_unknown(text, source, naming);
    }
    const bool repeats = key != nullptr && key->repeats;
    if (!seen.insert(word.key).second && !repeats) {
      refuse_word(text, fmt::format("{}= is there twice", word.key));
    }
    words.push_back(word);
  }
  return words;
}

NicPlan make_nic(std::string_view source, const std::vector<Word>& words, const Naming& naming) {
  const auto name_word = std::find_if(words.begin(), words.end(),
                                      [&](const Word& word) { return word.key == naming.key; });
  const auto inside = name_word == words.end() ? naming.otherwise : name_word->value;
  NicPlan nic{InterfaceName{inside}, parse_source(source), {}, {}, {}, {}, {}};
  for (const auto& word : words) {
    if (word.key == naming.key) continue;
    try {
      find_key(word.key)->apply(nic, word.value);
    } catch (const Error& error) {
      refuse_word(word.text, error.what());
    }
  }
  check_nic(nic);
  check_plan(Plan{.nics = {nic}});
  return nic;
}

NicPlan parse_annotation(std::string_view name, std::string_view value) {
  auto words = split_spec(value);
  if (words.empty()) refuse("it is empty; write which device to lend: SOURCE [WORDS]");
  const auto source = words.front();
  words.erase(words.begin());
  const Naming naming{.key = "as", .otherwise = name};
  return make_nic(source, split_keys(words, source, naming), naming);
}

void add_annotation(Plan& plan, const std::string& key, const std::string& value) {
  if (key == kPlanAnnotation) {
    const auto first = value.find_first_not_of(kWordSeparators);
    if (first == std::string::npos || value[first] != '{') {
      refuse(fmt::format("'{}' is no plan: it has to be the text of a plan file, not its path",
                         printable(value)));
    }
    const auto part = parse_plan_file(value);
    plan.nics.insert(plan.nics.end(), part.nics.begin(), part.nics.end());
    plan.addresses.insert(plan.addresses.end(), part.addresses.begin(), part.addresses.end());
  } else if (key == kL3Annotation) {
    plan.addresses.push_back(parse_l3_spec(value));
  } else if (key.starts_with(kL3Annotation) && key[kL3Annotation.size()] == '.') {
    plan.addresses.push_back(
        parse_l3_spec(value, std::string_view(key).substr(kL3Annotation.size() + 1)));
  } else if (key.starts_with(kNicAnnotation)) {
    plan.nics.push_back(
        parse_annotation(std::string_view(key).substr(kNicAnnotation.size()), value));
  } else {
    refuse(fmt::format("unknown; known are {}INSIDE, {}, {}.INSIDE and {}", kNicAnnotation,
                       kL3Annotation, kL3Annotation, kPlanAnnotation));
  }
}
}  // namespace

std::vector<std::string_view> split_spec(std::string_view text) {
  check_characters(text);
  return split_words(text, kWordSeparators);
}

NicPlan parse_nic_spec(std::string_view spec) {
  auto words = split_spec(spec);
  const auto equals = words.empty() ? std::string_view::npos : words.front().find('=');
  if (equals == std::string_view::npos) {
    refuse(
        fmt::format("'{}': begin with INSIDE=SOURCE, the name inside and the device to lend, "
                    "as in 'eth0=enp3s0 addr=10.0.0.2/24'",
                    printable(spec)));
  }
  const auto first = words.front();
  words.erase(words.begin());
  const Naming naming{.key = "as", .otherwise = first.substr(0, equals)};
  const auto source = first.substr(equals + 1);
  return make_nic(source, split_keys(words, source, naming), naming);
}

NicPlan parse_lend_words(std::string_view source, std::string_view words) {
  const auto parsed = parse_source(source);
  const auto* selector = std::get_if<DeviceSelector>(&parsed);
  const bool has_name = selector != nullptr && selector->by == DeviceSelector::By::name;
  const Naming naming{.key = "name", .otherwise = has_name ? selector->value : std::string_view{}};
  const auto split = split_keys(split_spec(words), source, naming);
  if (!has_name && std::none_of(split.begin(), split.end(),
                                [&](const Word& word) { return word.key == naming.key; })) {
    refuse(fmt::format("'{}' says no name; write name=INSIDE", printable(source)));
  }
  return make_nic(source, split, naming);
}

std::optional<Plan> parse_annotations(const std::map<std::string, std::string>& annotations) {
  Plan plan;
  for (const auto& [key, value] : annotations) {
    if (!key.starts_with(kAnnotationPrefix)) continue;
    try {
      add_annotation(plan, key, value);
    } catch (const Error& error) {
      throw error.within(fmt::format("annotation '{}'", printable(key)));
    }
  }
  if (plan.is_empty()) return std::nullopt;
  for (const auto& lent : plan.addresses) {
    // Who listens on loopback trusts it, and an annotation can be the image's.
    if (lent.loopback == Loopback::own) continue;
    refuse("loopback=shared is for root's own command line, and not for annotations");
  }
  check_plan(plan);
  return plan;
}

}  // namespace netlend
