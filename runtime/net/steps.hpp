#pragma once

#include <string_view>

#include "net/lending.hpp"

namespace netlend {

class Message;
struct Site;

/// The steps of lend, give back and reap that decide where a device ends: what can be killed
/// between any two of them is what integration/model explores. Its source includes the same list,
/// by the one means that Promela has, the C preprocessor: hence the macro.
enum class Step {
#define NETLEND_STEP(name) name,
#include "net/steps.def"
#undef NETLEND_STEP
};

std::string_view step_name(Step step);

/// Tells the context's on_step, before the step is taken.
void pass(const LendingContext& context, Step step);

/// Tells the context's on_step what the message is for, and sends it in the site's namespace.
/// Throws Error.
void call(const LendingContext& context, Site& site, const Message& message);

}  // namespace netlend
