#include "net/steps.hpp"

#include <array>

#include "net/kernel/site.hpp"

namespace netlend {

namespace {
constexpr std::array kNames = {
#define NETLEND_STEP(name) std::string_view{#name},
#include "net/steps.def"
#undef NETLEND_STEP
};
}  // namespace

std::string_view step_name(Step step) { return kNames.at(static_cast<std::size_t>(step)); }

void pass(const LendingContext& context, Step step) {
  if (context.on_step) context.on_step(step_name(step));
}

void call(const LendingContext& context, Site& site, const Message& message) {
  if (context.on_step) context.on_step(message.doing());
  site.socket.call(message);
}

}  // namespace netlend
