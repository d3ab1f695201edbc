#include "privilege/capabilities.hpp"

#include <sys/capability.h>
#include <sys/prctl.h>

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

void set_no_new_privileges() {
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs for", "this process");
}

}  // namespace netlend
