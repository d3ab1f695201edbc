#include "container/device_rules.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/error.hpp"

namespace netlend {

using oci::DeviceRule;
using oci::DeviceRuleType;

namespace {
constexpr std::uint32_t kMemoryMajor = 1;
constexpr std::uint32_t kTtyMajor = 5;
constexpr std::uint32_t kPtsMajor = 136;

// Source: Linux, Documentation/admin-guide/devices.txt.
const std::array kDefaultDevices{
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .access = oci::kDeviceMknod},
    DeviceRule{.allow = true, .type = DeviceRuleType::block, .access = oci::kDeviceMknod},
    // null, zero, full, random, urandom
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kMemoryMajor, .minor = 3},
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kMemoryMajor, .minor = 5},
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kMemoryMajor, .minor = 7},
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kMemoryMajor, .minor = 8},
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kMemoryMajor, .minor = 9},
    // tty, ptmx, and the terminals themselves
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kTtyMajor, .minor = 0},
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kTtyMajor, .minor = 2},
    DeviceRule{.allow = true, .type = DeviceRuleType::character, .major = kPtsMajor},
};

bool is_about_everything(const DeviceRule& rule) {
  return rule.type == DeviceRuleType::all && rule.access == oci::kDeviceAccessAll && !rule.major &&
         !rule.minor;
}

template <typename Number>
bool may_be_equal(const std::optional<Number>& a, const std::optional<Number>& b) {
  return !a || !b || *a == *b;
}

bool overlap(const DeviceRule& a, const DeviceRule& b) {
  return a.type == b.type && (a.access & b.access) != 0 && may_be_equal(a.major, b.major) &&
         may_be_equal(a.minor, b.minor);
}

bool covers(const DeviceRule& wide, const DeviceRule& narrow) {
  return wide.type == narrow.type && (!wide.major || wide.major == narrow.major) &&
         (!wide.minor || wide.minor == narrow.minor);
}

std::string number_text(const std::optional<std::uint32_t>& number) {
  return number ? std::to_string(*number) : "*";
}

std::string line_of(const DeviceRule& rule) {
  std::string access;
  if ((rule.access & oci::kDeviceRead) != 0) access += 'r';
  if ((rule.access & oci::kDeviceWrite) != 0) access += 'w';
  if ((rule.access & oci::kDeviceMknod) != 0) access += 'm';
  return fmt::format("{} {}:{} {}", rule.type == DeviceRuleType::block ? 'b' : 'c',
                     number_text(rule.major), number_text(rule.minor), access);
}

// What version 1 can hold.
class Exceptions {
 public:
  void apply(const DeviceRule& rule) {
    if (is_about_everything(rule)) {
      allow_ = rule.allow;
      exceptions_.clear();
    } else if (rule.type != DeviceRuleType::all) {
      apply_to_type(rule);
    } else {
      // An "a" of version 1 is always about everything.
      for (const auto type : {DeviceRuleType::character, DeviceRuleType::block}) {
        DeviceRule part = rule;
        part.type = type;
        apply_to_type(part);
      }
    }
  }

  std::vector<DeviceWrite> writes() const {
    constexpr const char* kAllow = "devices.allow";
    constexpr const char* kDeny = "devices.deny";
    std::vector<DeviceWrite> writes{{allow_ ? kAllow : kDeny, "a"}};
    for (const auto& rule : exceptions_) writes.push_back({allow_ ? kDeny : kAllow, line_of(rule)});
    return writes;
  }

 private:
  void apply_to_type(const DeviceRule& rule) {
    if (rule.allow == allow_) {
      take_back(rule);
    } else {
      add(rule);
    }
  }

  void add(const DeviceRule& rule) {
    for (auto& known : exceptions_) {
      if (covers(known, rule) && covers(rule, known)) {
        known.access |= rule.access;
        return;
      }
    }
    exceptions_.push_back(rule);
  }

  void take_back(const DeviceRule& rule) {
    for (auto& known : exceptions_) {
      if (!overlap(known, rule)) continue;
      if (!covers(rule, known)) {
        throw Error(fmt::format(
            "/linux/resources/devices: cgroup version 1 can't {} '{}' after it is to {} '{}'",
            rule.allow ? "allow" : "deny", line_of(rule), rule.allow ? "deny" : "allow",
            line_of(known)));
      }
      known.access &= ~rule.access;
    }
    std::erase_if(exceptions_, [](const DeviceRule& known) { return known.access == 0; });
  }

  bool allow_ = false;
  /// To the opposite effect of allow_, none of type `all`.
  std::vector<DeviceRule> exceptions_;
};

// ---- BPF ----------------------------------------------------------------------------------------

// What is in which register while the program runs.
constexpr std::uint8_t kResult = BPF_REG_0;
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kType = BPF_REG_2;
constexpr std::uint8_t kUndecided = BPF_REG_3;  // kinds of access that no rule spoke of so far
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kMinor = BPF_REG_5;
constexpr std::uint8_t kDifference = BPF_REG_6;  // 0 if a rule is about the device
constexpr std::uint8_t kScratch = BPF_REG_7;

struct Operands {
  std::uint8_t on = 0;
  std::uint8_t from = 0;
  std::size_t offset = 0;
  std::uint32_t value = 0;
};

bpf_insn instruction(unsigned code, const Operands& operands) {
  bpf_insn result{.code = static_cast<std::uint8_t>(code),
                  .off = static_cast<std::int16_t>(operands.offset),
                  .imm = static_cast<std::int32_t>(operands.value)};
  // Fields of four bits, for registers 0 to 10.
  result.dst_reg = operands.on & 0xf;
  result.src_reg = operands.from & 0xf;
  return result;
}

bpf_insn load(std::uint8_t to, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, {.on = to, .from = kContext, .offset = offset});
}

bpf_insn compute(unsigned operation, std::uint8_t on, std::uint32_t value) {
  return instruction(BPF_ALU | operation | BPF_K, {.on = on, .value = value});
}

bpf_insn compute_with(unsigned operation, std::uint8_t on, std::uint8_t from) {
  return instruction(BPF_ALU | operation | BPF_X, {.on = on, .from = from});
}

bpf_insn copy(std::uint8_t to, std::uint8_t from) { return compute_with(BPF_MOV, to, from); }

struct Condition {
  std::uint8_t on = 0;
  std::uint32_t value = 0;
};

// Over the next `distance` instructions, where the comparison with JEQ or JNE holds.
bpf_insn jump(unsigned comparison, const Condition& condition, std::size_t distance) {
  return instruction(BPF_JMP32 | comparison | BPF_K,
                     {.on = condition.on, .offset = distance, .value = condition.value});
}

bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, {}); }

// What a rule does where it applies.
std::vector<bpf_insn> verdict(const DeviceRule& rule) {
  if (rule.allow) {
    return {compute(BPF_AND, kUndecided, ~rule.access), jump(BPF_JNE, {kUndecided, 0}, 2),
            compute(BPF_MOV, kResult, 1), leave()};
  }
  return {copy(kResult, kUndecided), compute(BPF_AND, kResult, rule.access),
          jump(BPF_JEQ, {kResult, 0}, 2), compute(BPF_MOV, kResult, 0), leave()};
}

// What a rule is about is compared in registers of its own: from a jump on the major number the
// verifier would learn it, and follow each rule's device through all later rules, which is too much
// for it (E2BIG) at 1000 of them.
std::vector<bpf_insn> compile(const DeviceRule& rule) {
  std::vector<Condition> conditions;
  if (rule.type == DeviceRuleType::character) conditions.push_back({kType, BPF_DEVCG_DEV_CHAR});
  if (rule.type == DeviceRuleType::block) conditions.push_back({kType, BPF_DEVCG_DEV_BLOCK});
  if (rule.major) conditions.push_back({kMajor, *rule.major});
  if (rule.minor) conditions.push_back({kMinor, *rule.minor});

  const auto action = verdict(rule);
  std::vector<bpf_insn> program{compute(BPF_MOV, kDifference, 0)};
  for (const auto& [on, value] : conditions) {
    program.push_back(copy(kScratch, on));
    program.push_back(compute(BPF_XOR, kScratch, value));
    program.push_back(compute_with(BPF_OR, kDifference, kScratch));
  }
  program.push_back(jump(BPF_JNE, {kDifference, 0}, action.size()));
  program.insert(program.end(), action.begin(), action.end());
  return program;
}
}  // namespace

std::vector<DeviceRule> container_device_rules(const std::vector<DeviceRule>& configured) {
  std::vector<DeviceRule> rules{{.allow = false}};
  rules.insert(rules.end(), configured.begin(), configured.end());
  rules.insert(rules.end(), kDefaultDevices.begin(), kDefaultDevices.end());
  return rules;
}

std::vector<DeviceWrite> device_writes(const std::vector<DeviceRule>& rules) {
  Exceptions exceptions;
  for (const auto& rule : rules) exceptions.apply(rule);
  return exceptions.writes();
}

std::vector<bpf_insn> device_program(const std::vector<DeviceRule>& rules) {
  static_assert(oci::kDeviceMknod == BPF_DEVCG_ACC_MKNOD &&
                oci::kDeviceRead == BPF_DEVCG_ACC_READ && oci::kDeviceWrite == BPF_DEVCG_ACC_WRITE);
  constexpr std::uint32_t kTypeMask = 0xffff;
  constexpr std::uint32_t kAccessShift = 16;
  // access_type is (access << 16) | type. Source: <linux/bpf.h>, struct bpf_cgroup_dev_ctx.
  std::vector<bpf_insn> program{load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
                                copy(kUndecided, kType),
                                compute(BPF_RSH, kUndecided, kAccessShift),
                                compute(BPF_AND, kType, kTypeMask),
                                load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
                                load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor))};
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    const auto part = compile(*rule);
    program.insert(program.end(), part.begin(), part.end());
  }
  program.push_back(compute(BPF_MOV, kResult, 0));
  program.push_back(leave());
  return program;
}

}  // namespace netlend
