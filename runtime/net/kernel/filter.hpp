#pragma once

#include <linux/tc_act/tc_mirred.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/kernel/names.hpp"

namespace netlend {

/// A filter's options as they are to be sent again.
struct FilterOptions {
  /// Without counters, and without the numbers that the kernel gave its actions; but an action
  /// that sends to a device that is gone keeps its own, by which aim_mirrors() knows it.
  std::string bytes;
  /// Why such a filter can't be made again; empty: it can.
  std::string why_not;
};

/// `options`: TCA_OPTIONS as the kernel told them. Source: net/sched/cls_*.c, act_*.c: what each
/// dumps and what it takes.
FilterOptions read_filter_options(std::string_view kind, std::string_view options);

/// The `why_not` of a filter that mirrors or redirects to a device that is gone from here.
inline constexpr std::string_view kSendsNowhere =
    "it sends to a device that is gone, or away at the moment";

/// What its actions that mirror or redirect say, of `options` as read_filter_options() gave them.
std::vector<tc_mirred> mirrors_of(std::string_view kind, std::string_view options);

/// Gives those that send nowhere the target that `find_target` has for them. False where it has
/// none for one.
bool aim_mirrors(std::string_view kind, std::string& options,
                 const std::function<std::optional<IfIndex>(const tc_mirred&)>& find_target);

}  // namespace netlend
