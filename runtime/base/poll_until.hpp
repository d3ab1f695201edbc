#pragma once

#include <cstdint>
#include <ctime>

#include "base/syscall.hpp"

namespace netlend {

struct Patience {
  int timeout_ms = 0;
  int interval_us = 0;
};

/// Asks until `is_over` says yes, for what happens in its own time and tells nobody. False at the
/// timeout.
template <typename Condition>
bool poll_until(Condition is_over, const Patience& patience) {
  constexpr long kNsPerUs = 1'000;
  const timespec interval{.tv_sec = 0, .tv_nsec = patience.interval_us * kNsPerUs};
  const std::int64_t deadline = monotonic_ms() + patience.timeout_ms;
  while (!is_over()) {
    if (monotonic_ms() >= deadline) return false;
    ::nanosleep(&interval, nullptr);
  }
  return true;
}

}  // namespace netlend
