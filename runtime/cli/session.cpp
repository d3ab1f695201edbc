#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

namespace {
/// Whether this network namespace belongs to a user namespace that is out of our sight, as it does
/// for who is root by 'unshare -r' only. Source: ioctl_ns(2).
bool is_others_network() {
  const UniqueFd netns{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
  const UniqueFd owner{::ioctl(netns.get(), NS_GET_USERNS)};
  return !owner.is_open() && errno == EPERM;
}

StateDirectory open_state() {
  if (::geteuid() != 0) throw Error("only root can lend network devices; run it as root");
  if (is_others_network()) {
    throw Error(
        "only root of the machine can lend its network devices; you are root of a user namespace, "
        "which this network namespace doesn't belong to");
  }
  return StateDirectory{};
}
}  // namespace

Session::Session(const Console& console, const Globals& globals)
    : console_(console),
      state_(open_state()),
      containers_(globals.root.empty() ? ContainerStore{state_} : ContainerStore{globals.root}) {}

LendingContext Session::lending() const {
  return {.state = state_,
          .on_step = [this](std::string_view step) { console_.step(step); },
          .on_note = [this](std::string_view note) { console_.note(note); }};
}

Runtime Session::runtime() const {
  return {.lending = lending(), .containers = containers_, .note = [this](const std::string& note) {
            console_.note(note);
          }};
}

int Session::report(const Failures& failures) const {
  for (const auto& failure : failures) console_.error(failure.what);
  return failures.empty() ? kExitSuccess : kExitFailed;
}

}  // namespace netlend::cli
