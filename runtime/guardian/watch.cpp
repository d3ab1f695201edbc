#include "guardian/watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "base/syscall.hpp"
#include "guardian/seclusion.hpp"
#include "net/ledger.hpp"
#include "net/lending.hpp"
#include "net/state_directory.hpp"

namespace netlend {

namespace {
/// Between one attempt to give back and the next: a name that is taken at home may be free then.
constexpr std::array kRetryDelays{timespec{.tv_sec = 0, .tv_nsec = 100'000'000},
                                  timespec{.tv_sec = 1, .tv_nsec = 0},
                                  timespec{.tv_sec = 10, .tv_nsec = 0}};
constexpr std::size_t kEventsMax = 4096;

/// For a reader who may be gone: a guardian has nobody else to tell it to.
void send_to_lender(const UniqueFd& lender, std::string_view message) noexcept {
  static_cast<void>(::send(lender.get(), message.data(), message.size(), MSG_NOSIGNAL));
}

/// The name of the ledger that the lender left us with; nothing where it ended without a word.
std::optional<std::string> hear_from_lender(const UniqueFd& lender) {
  std::array<char, kGuardianMessageMax> message{};
  const auto size = retry([&] { return ::recv(lender.get(), message.data(), message.size(), 0); });
  // ECONNRESET: it was killed before it read that we are ready.
  if (size == -1 && errno == ECONNRESET) return std::nullopt;
  check(size, "hear from", "the lender");
  if (size == 0) return std::nullopt;
  return std::string(message.data(), static_cast<std::size_t>(size));
}

std::optional<Ledger> find_own_ledger(const StateDirectory& state) {
  const ProcessIdentity own = identify_process(::getpid());
  for (const auto& name : list_ledgers(state)) {
    std::optional<Ledger> ledger;
    Failures broken;  // Somebody else's, whose business it is.
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (ledger && ledger->guardian == own) return ledger;
  }
  return std::nullopt;
}

/// Told of every ledger that is closed.
UniqueFd watch_ledgers(const StateDirectory& state) {
  UniqueFd events{check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "watch", "the ledgers")};
  const std::string folder = state.path() + "/ledgers";
  check(::inotify_add_watch(events.get(), folder.c_str(), IN_DELETE | IN_ONLYDIR), "watch", folder);
  return events;
}

void drop_events(int events) {
  std::array<char, kEventsMax> dropped{};
  while (::read(events, dropped.data(), dropped.size()) > 0) {
  }
}

class Vigil {
 public:
  Vigil(const Watch& watch, const StateDirectory& state, std::string ledger_name)
      : state_(state), pidfd_(watch.pidfd.get()), ledger_name_(std::move(ledger_name)) {
    borrower_.borrower = watch.borrower;
    borrower_.process = watch.process;
    borrower_.netns_path = watch.netns_path;
  }

  /// Until the borrower is dead, or its ledger closed by somebody else: then false.
  bool wait_for_death();

 private:
  bool is_dead() const { return borrower_liveness(borrower_) == Liveness::dead; }

  const StateDirectory& state_;
  int pidfd_;
  std::string ledger_name_;
  /// Only what says who borrows.
  Ledger borrower_;
};

bool Vigil::wait_for_death() {
  const UniqueFd closed = watch_ledgers(state_);
  // A name of a namespace is a mount; the file says when one came or went, proc(5).
  UniqueFd mounts;
  if (pidfd_ == -1) {
    constexpr const char* kMounts = "/proc/self/mountinfo";
    mounts = UniqueFd{check(::open(kMounts, O_RDONLY | O_CLOEXEC), "open", kMounts)};
  }
  for (;;) {
    if (!is_open(state_, ledger_name_)) return false;
    if (pidfd_ == -1 && is_dead()) return true;
    release_memory();
    std::array<pollfd, 2> waiting{pollfd{.fd = closed.get(), .events = POLLIN, .revents = 0},
                                  pidfd_ == -1
                                      ? pollfd{.fd = mounts.get(), .events = POLLPRI, .revents = 0}
                                      : pollfd{.fd = pidfd_, .events = POLLIN, .revents = 0}};
    check(retry([&] { return ::poll(waiting.data(), waiting.size(), -1); }), "wait for",
          "the borrower");
    if (pidfd_ != -1 && waiting[1].revents != 0) return true;
    drop_events(closed.get());
  }
}

void bring_home(const StateDirectory& state, const std::string& ledger_name) {
  const LendingContext context{.state = state, .on_step = {}};
  Failures failures = give_back(context, ledger_name);
  for (const auto& delay : kRetryDelays) {
    if (failures.empty()) return;
    ::nanosleep(&delay, nullptr);
    failures = give_back(context, ledger_name);
  }
  for (const auto& failure : failures) {
    ::syslog(LOG_DAEMON | LOG_ERR, "netlend guardian: %s", failure.what.c_str());
  }
}

/// Nothing where there is nothing to guard.
std::optional<std::string> learn_ledger(const Watch& watch, const StateDirectory& state) {
  if (auto name = hear_from_lender(watch.lender)) return name;
  const auto ledger = find_own_ledger(state);
  if (!ledger) return std::nullopt;
  if (ledger->is_ready()) return ledger->name;
  // Its lender was killed half way; nobody will finish it.
  bring_home(state, ledger->name);
  return std::nullopt;
}
}  // namespace

int keep_watch(Watch watch) noexcept {
  try {
    seclude({watch.lender.get(), watch.pidfd.get()}, watch);
    const StateDirectory state(watch.state_path);
    send_to_lender(watch.lender, kGuardianReady);
    const auto ledger_name = learn_ledger(watch, state);
    watch.lender.reset();
    if (!ledger_name) return 0;
    if (Vigil(watch, state, *ledger_name).wait_for_death()) bring_home(state, *ledger_name);
    return 0;
  } catch (const std::exception& error) {
    send_to_lender(watch.lender, std::string_view(error.what()).substr(0, kGuardianMessageMax));
    ::syslog(LOG_DAEMON | LOG_ERR, "netlend guardian: %s", error.what());
    return 1;
  }
}

}  // namespace netlend
