#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"
#include "net/kernel/step_callback.hpp"

namespace netlend {

/// The device at home that each part of a restoration works on, and where it reports to.
struct Restoration {
  Site& site;
  IfIndex ifindex;
  /// What it is called at home.
  const std::string& name;
  const StepCallback& on_step;
  Failures& failures;

  std::string doing(std::string_view what) const {
    return fmt::format("restore {} of '{}'", what, name);
  }
  /// Does one step; what it throws becomes a failure. False if it threw.
  template <typename Work>
  bool step(const std::string& text, Work work) {
    return attempt(failures, [&] {
      if (on_step) on_step(text);
      work();
    });
  }
  bool call(const Message& message) {
    return step(message.doing(), [&] { site.socket.call(message); });
  }
};

}  // namespace netlend
