#pragma once

#include <string_view>

#include "base/unique_fd.hpp"

namespace netlend::test {

// Shell commands, of the devices of Devices::furnished.

/// Makes all but "tap0" itself, in this network namespace and below /run/sysfs, and furnishes it.
extern const char* const kFurniture;
/// What a borrower does with them.
extern const char* const kUse;
/// Prints what the furniture is, but for what changes by itself.
extern const char* const kPictureOfFurniture;

/// Makes a tap in this network namespace: it has a carrier for as long as somebody has it open.
UniqueFd open_tap(std::string_view name);

}  // namespace netlend::test
