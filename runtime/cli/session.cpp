#include <unistd.h>

#include "base/error.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

namespace {
StateDirectory open_state() {
  if (::geteuid() != 0) throw Error("only root can lend network devices; run it as root");
  return StateDirectory{};
}
}  // namespace

Session::Session(const Console& console) : console_(console), state_(open_state()) {}

LendingContext Session::lending() const {
  return {.state = state_,
          .on_step = [this](std::string_view step) { console_.step(step); },
          .on_note = [this](std::string_view note) { console_.note(note); }};
}

int Session::report(const Failures& failures) const {
  for (const auto& failure : failures) console_.error(failure.what);
  return failures.empty() ? kExitSuccess : kExitFailed;
}

}  // namespace netlend::cli
