#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "net/kernel/netns.hpp"
#include "net/lending.hpp"
#include "net/plan/plan.hpp"

/// A container that another runtime makes can be lent addresses in mode "kernel" only if it is put
/// into an L3 network namespace from the first, which its config.json can ask for by a path. Before
/// the engine reads that, such a namespace is made and pinned here. It owns nothing: the hook at
/// createRuntime lends to who is in it as to anybody, by the same rules, and first takes the pin
/// away, so that the namespace ends with its container and the kernel itself gives back. Whatever
/// becomes of an engine before that, no address has left home.
namespace netlend {

/// With one of these a process could send from others' addresses, or give itself other ones.
inline constexpr std::array<std::string_view, 3> kCapabilitiesOverNetwork{
    "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"};

/// The plan that the annotations of a config.json ask for, if its container is to be in an L3
/// network namespace. Nothing: the config is good as it is. Changes nothing. Throws Error: bad
/// JSON, a bad plan, or mode "kernel" where it can't be.
std::optional<Plan> plan_injection(const std::string& config);

struct Injection {
  ContainerId id;
  /// With the id the key of its ledger.
  std::string key;
  /// Who is about to make the container, and takes the need for the namespace along at its death.
  /// Absent: whoever does; it stays until it is returned, or injected anew.
  std::optional<ProcessIdentity> engine;
  /// Of netlend-hook.
  std::string hook_path;
};

struct Injected {
  std::string config;
  std::string ledger_name;
};

/// Makes and pins the namespace, in our own mount namespace, which has to be the engine's. What
/// dead engines left, and an earlier one of the same bundle, is taken away. Throws Error.
Injected inject(const LendingContext& context, const Injection& injection, const Plan& plan,
                const std::string& config);

/// Drops the pin of a namespace that somebody is in by now; of another there is none. Goes on past
/// failures and returns them.
Failures end_injection(const LendingContext& context, const Netns& netns) noexcept;

}  // namespace netlend
