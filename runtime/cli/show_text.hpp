#pragma once

#include <string>

#include "cli/observe.hpp"
#include "lifecycle/container_store.hpp"

namespace netlend::cli {

/// A tree of at most 80 columns where words allow it. Without counters and ages: nothing changed,
/// the same text.
std::string format_text(const ContainerStore& containers, const Observation& observation);

}  // namespace netlend::cli
