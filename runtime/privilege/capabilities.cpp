#include "privilege/capabilities.hpp"

#include <grp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/syscall.hpp"

namespace netlend {

namespace {
struct FreeCapabilities {
  void operator()(cap_t capabilities) const noexcept { ::cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities>;

Capabilities own_capabilities() {
  Capabilities own{::cap_get_proc()};
  if (!own) throw_errno(errno, "read the capabilities of", "this process");
  return own;
}

bool is_permitted(const Capabilities& own, cap_value_t capability) {
  cap_flag_value_t value = CAP_CLEAR;
  check(::cap_get_flag(own.get(), capability, CAP_PERMITTED, &value), "look up capability",
        std::to_string(capability));
  return value == CAP_SET;
}

std::uint64_t bit(int capability) { return std::uint64_t{1} << static_cast<unsigned>(capability); }

void limit_bounding_set(std::span<const int> keep) {
  // The kernel's last capability is the one before the first that it doesn't know (EINVAL).
  for (cap_value_t capability = 0; ::cap_get_bound(capability) >= 0; ++capability) {
    if (std::ranges::find(keep, capability) != keep.end()) continue;
    check(::cap_drop_bound(capability), "drop from the bounding set capability",
          std::to_string(capability));
  }
}
}  // namespace

void limit_capabilities(std::span<const int> keep) {
  limit_bounding_set(keep);
  check(::cap_reset_ambient(), "empty", "the ambient capabilities");
  const auto own = own_capabilities();
  std::vector<cap_value_t> kept;
  std::ranges::copy_if(keep, std::back_inserter(kept),
                       [&](int capability) { return is_permitted(own, capability); });
  const Capabilities limited{::cap_init()};
  if (!limited) throw_errno(errno, "allocate", "a capability set");
  const auto count = static_cast<int>(kept.size());
  for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE}) {
    if (count == 0) break;
    check(::cap_set_flag(limited.get(), set, count, kept.data(), CAP_SET), "build",
          "a capability set");
  }
  check(::cap_set_proc(limited.get()), "limit the capabilities of", "this process");
}

namespace {
using KernelSets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

__user_cap_header_struct own_header() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

KernelSets to_kernel(const CapabilitySets& sets) {
  constexpr unsigned kWordBits = 32;
  KernelSets result{};
  for (unsigned word = 0; word < result.size(); ++word) {
    const auto part = [&](std::uint64_t set) {
      return static_cast<std::uint32_t>(set >> (word * kWordBits));
    };
    result.at(word) = {.effective = part(sets.effective),
                       .permitted = part(sets.permitted),
                       .inheritable = part(sets.inheritable)};
  }
  return result;
}

void set_ambient(std::uint64_t wanted) {
  check(::cap_reset_ambient(), "empty", "the ambient capabilities");
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if ((wanted & bit(capability)) == 0) continue;
    check(::cap_set_ambient(capability, CAP_SET), "set the ambient capability",
          std::to_string(capability));
  }
}

/// What a set may hold at all: the kernel refuses an effective one that isn't permitted, and an
/// ambient one that isn't inheritable too.
CapabilitySets possible(const CapabilitySets& wanted, std::uint64_t available) {
  CapabilitySets sets = wanted;
  sets.permitted &= available;
  sets.effective &= sets.permitted;
  sets.inheritable &= available;
  sets.ambient &= sets.permitted & sets.inheritable;
  return sets;
}
}  // namespace

std::uint64_t permitted_capabilities() {
  auto header = own_header();
  KernelSets sets{};
  check(static_cast<int>(::syscall(SYS_capget, &header, sets.data())), "read the capabilities of",
        "this process");
  return sets[0].permitted | std::uint64_t{sets[1].permitted} << 32U;
}

std::string capability_name(int capability) {
  struct FreeName {
    void operator()(char* name) const noexcept { ::cap_free(name); }
  };
  const std::unique_ptr<char, FreeName> name{::cap_to_name(capability)};
  std::string text = name ? name.get() : std::to_string(capability);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

void become(const Identity& identity, const CapabilitySets& capabilities) {
  const auto sets = possible(capabilities, permitted_capabilities());
  std::vector<int> bounding;
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if ((capabilities.bounding & bit(capability)) != 0) bounding.push_back(capability);
  }
  limit_bounding_set(bounding);
  // Else setresuid(2) to another user than root's would take all of them.
  check(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep", "the capabilities");
  check(::setgroups(identity.groups.size(), identity.groups.data()), "set", "additional groups");
  check(::setresgid(identity.gid, identity.gid, identity.gid), "become group",
        std::to_string(identity.gid));
  check(::setresuid(identity.uid, identity.uid, identity.uid), "become user",
        std::to_string(identity.uid));
  check(::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0), "let go of", "the capabilities");
  auto header = own_header();
  auto kernel_sets = to_kernel(sets);
  check(static_cast<int>(::syscall(SYS_capset, &header, kernel_sets.data())), "set",
        "the capabilities");
  set_ambient(sets.ambient);
}

void set_no_new_privileges() {
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs for", "this process");
}

}  // namespace netlend
