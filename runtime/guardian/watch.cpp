#include "guardian/watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/descriptor_message.hpp"
#include "base/syscall.hpp"
#include "guardian/follower.hpp"
#include "guardian/seclusion.hpp"
#include "net/home_holders.hpp"
#include "net/l3/uplink_watch.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/lending.hpp"

namespace netlend {

namespace {
/// Between one attempt to give back and the next: a name that is taken at home may be free then.
constexpr std::array kRetryDelaysMs{100, 1000, 10'000};
constexpr int kLongMs = 3'600'000;
constexpr std::size_t kEventsMax = 4096;

/// For a reader who may be gone: a guardian has nobody else to tell it to.
void send_to_lender(const UniqueFd& lender, std::string_view message) noexcept {
  static_cast<void>(::send(lender.get(), message.data(), message.size(), MSG_NOSIGNAL));
}

/// What the lender left us with.
struct Legacy {
  /// Nothing where it ended without a word.
  std::optional<std::string> ledger_name;
  /// BPF programs of the devices: the borrower can take them off, but not away.
  std::vector<UniqueFd> held;
};

Legacy hear_from_lender(const UniqueFd& lender) {
  Legacy legacy;
  for (;;) {
    std::array<char, kGuardianMessageMax> text{};
    auto message = receive_message(lender.get(), text);
    // ECONNRESET: it was killed before it read that we are ready.
    if (message.size == -1 && errno == ECONNRESET) return legacy;
    check(message.size, "hear from", "the lender");
    if (message.size == 0) return legacy;
    if (!message.descriptor.is_open()) {
      legacy.ledger_name.emplace(text.data(), static_cast<std::size_t>(message.size));
      return legacy;
    }
    legacy.held.push_back(std::move(message.descriptor));
  }
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

/// A ledger that is waited beside. Each wait is over, and false, once somebody else has closed it.
class Vigil {
 public:
  Vigil(const StateDirectory& state, std::string ledger_name, Following following)
      : state_(state), ledger_name_(std::move(ledger_name)), closed_(watch_ledgers(state)) {
    const auto ledger = load_ledger(state, ledger_name_);
    if (ledger && following == Following::yes) follower_.emplace(state, *ledger);
    if (ledger && !ledger->address_loans.empty()) uplinks_.emplace(*ledger);
  }

  /// Until the process has ended.
  bool wait_for_end(const UniqueFd& pidfd) {
    return wait_until(pidfd.get(), POLLIN, [] { return true; });
  }
  /// Until the path shows the borrower's namespace no more.
  bool wait_for_unmount(const Watch& watch);
  bool wait_for(int timeout_ms) const;

  /// What home became before it was listened to.
  void look_after_home_first() {
    if (uplinks_) put_home_right();
  }
  /// Until everything is home or there is no hope.
  void bring_home();

 private:
  template <typename Condition>
  bool wait_until(int fd, short event, Condition is_over);
  Failures give_back_now() const;
  void hold_home() const;
  void look_after_home();
  void put_home_right();

  const StateDirectory& state_;
  std::string ledger_name_;
  UniqueFd closed_;
  std::optional<Follower> follower_;
  /// Where addresses are lent.
  std::optional<UplinkWatch> uplinks_;
};

/// Until `event` at `fd`, and `is_over` then.
template <typename Condition>
bool Vigil::wait_until(int fd, short event, Condition is_over) {
  for (;;) {
    if (!is_open(state_, ledger_name_)) return false;
    const int uplinks = uplinks_ ? uplinks_->fd() : -1;  // poll(2) passes over that
    std::vector<pollfd> waiting{pollfd{.fd = closed_.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = fd, .events = event, .revents = 0},
                                pollfd{.fd = uplinks, .events = POLLIN, .revents = 0}};
    if (follower_) {
      for (const int moves : follower_->fds()) {
        waiting.push_back({.fd = moves, .events = POLLIN, .revents = 0});
      }
    }
    release_memory();  // Last: what runs after it comes back.
    check(retry([&] { return ::poll(waiting.data(), waiting.size(), -1); }), "wait for",
          "the borrower");
    // First: what ends may have moved something on just before.
    if (follower_) follower_->follow();
    if (waiting[1].revents != 0 && is_over()) return true;
    if (waiting[2].revents != 0) look_after_home();
    drop_events(closed_.get());
  }
}

/// What fails is tried again at the next change, and giving back needs none of it.
void Vigil::look_after_home() {
  if (uplinks_->has_changed()) put_home_right();
}

void Vigil::put_home_right() {
  static_cast<void>(keep_up({.state = state_, .on_step = {}}, ledger_name_));
  if (const auto ledger = load_ledger(state_, ledger_name_)) uplinks_->follow(*ledger);
}

bool Vigil::wait_for_unmount(const Watch& watch) {
  Ledger borrower;  // Only what says who borrows.
  borrower.borrower = watch.borrower;
  borrower.netns_path = watch.netns_path;
  const auto is_dead = [&] { return borrower_liveness(borrower) == Liveness::dead; };
  // A name of a namespace is a mount; the file says when one came or went, proc(5).
  constexpr const char* kMounts = "/proc/self/mountinfo";
  const UniqueFd mounts{check(::open(kMounts, O_RDONLY | O_CLOEXEC), "open", kMounts)};
  return is_dead() || wait_until(mounts.get(), POLLPRI, is_dead);
}

bool Vigil::wait_for(int timeout_ms) const {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  for (;;) {
    if (!is_open(state_, ledger_name_)) return false;
    const std::int64_t left = deadline - monotonic_ms();
    if (left <= 0) return true;
    pollfd waiting{.fd = closed_.get(), .events = POLLIN, .revents = 0};
    check(retry([&] { return ::poll(&waiting, 1, static_cast<int>(left)); }), "wait for",
          "the ledger");
    drop_events(closed_.get());
  }
}

Failures Vigil::give_back_now() const {
  if (follower_) follower_->mark();
  const LendingContext context{.state = state_, .on_step = {}, .on_note = [](auto note) {
                                 ::syslog(LOG_DAEMON | LOG_NOTICE, "netlend guardian: %s",
                                          std::string(note).c_str());
                               }};
  return give_back(context, ledger_name_);
}

void Vigil::bring_home() {
  if (follower_) follower_->follow();  // Where nothing was waited for.
  Failures failures = give_back_now();
  for (const int delay_ms : kRetryDelaysMs) {
    if (failures.empty()) return;
    if (!is_open(state_, ledger_name_)) break;  // With a loss that is certain.
    if (!wait_for(delay_ms)) return;
    failures = give_back_now();
  }
  for (const auto& failure : failures) {
    ::syslog(LOG_DAEMON | LOG_ERR, "netlend guardian: %s", failure.what.c_str());
  }
  hold_home();
}

/// While nobody else does: until somebody has given it a name, and what is away is home or given
/// up.
void Vigil::hold_home() const {
  const auto ledger = load_ledger(state_, ledger_name_);
  if (!ledger || ledger->loans.empty() || is_home_held(state_, ledger->home)) return;
  while (wait_for(kLongMs)) {
  }
}

/// The ledger of a lender that ended without a word; nothing where there is nothing to guard.
std::optional<std::string> find_ledger_to_guard(const StateDirectory& state) {
  const auto ledger = find_own_ledger(state);
  if (!ledger) return std::nullopt;
  if (ledger->is_ready()) return ledger->name;
  // Its lender was killed half way; nobody will finish it.
  Vigil(state, ledger->name, Following::no).bring_home();
  return std::nullopt;
}

/// Waits for the death of the borrower where nobody else sees to it.
void guard(const Watch& watch, Vigil vigil) {
  vigil.look_after_home_first();
  if (watch.lender_pidfd.is_open() && !vigil.wait_for_end(watch.lender_pidfd)) return;
  const bool is_left_to_us =
      watch.pidfd.is_open() ? vigil.wait_for_end(watch.pidfd) : vigil.wait_for_unmount(watch);
  if (is_left_to_us) vigil.bring_home();
}
}  // namespace

int keep_watch(Watch watch) noexcept {
  try {
    seclude({watch.lender.get(), watch.pidfd.get(), watch.lender_pidfd.get()}, watch);
    const StateDirectory state(watch.state_path);
    send_to_lender(watch.lender, kGuardianReady);
    auto legacy = hear_from_lender(watch.lender);
    if (!legacy.ledger_name) legacy.ledger_name = find_ledger_to_guard(state);
    if (!legacy.ledger_name) return 0;
    Vigil vigil(state, *legacy.ledger_name, watch.following);
    watch.lender.reset();
    guard(watch, std::move(vigil));
    return 0;
  } catch (const std::exception& error) {
    send_to_lender(watch.lender, std::string_view(error.what()).substr(0, kGuardianMessageMax));
    ::syslog(LOG_DAEMON | LOG_ERR, "netlend guardian: %s", error.what());
    return 1;
  }
}

}  // namespace netlend
