#pragma once

#include <cstdint>
#include <vector>

#include "net/snapshot/raw_record.hpp"

namespace netlend {

/// Of an entry that ends by itself a record keeps, under `attribute`, the moment of that, as
/// CLOCK_MONOTONIC tells it, in place of the age or rest that the kernel says: that is another each
/// time, and the kernel takes neither.
void keep_deadline(RawRecord& entry, std::uint16_t attribute, std::int64_t left_ms);

/// Whether it isn't in the list, nor would have ended by now. Deadlines are not compared: an entry
/// that was made again begins anew.
bool is_missing(const std::vector<RawRecord>& list, const RawRecord& wanted,
                std::uint16_t attribute);

/// A clock_t of the kernel's. Source: include/linux/jiffies.h, USER_HZ.
constexpr std::int64_t ms_of_ticks(std::int64_t ticks) {
  constexpr std::int64_t kMsPerTick = 10;
  return ticks * kMsPerTick;
}

}  // namespace netlend
