#pragma once

#include <string>
#include <string_view>

namespace netlend {

/// A filter's options as they are to be sent again.
struct FilterOptions {
  /// Without counters, and without the numbers that the kernel gave its actions.
  std::string bytes;
  /// Why such a filter can't be made again; empty: it can.
  std::string why_not;
};

/// `options`: TCA_OPTIONS as the kernel told them. Source: net/sched/cls_*.c, act_*.c: what each
/// dumps and what it takes.
FilterOptions read_filter_options(std::string_view kind, std::string_view options);

}  // namespace netlend
