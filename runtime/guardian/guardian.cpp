#include "guardian/guardian.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/descriptor_message.hpp"
#include "base/process.hpp"
#include "base/syscall.hpp"
#include "guardian/title.hpp"
#include "guardian/watch.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend {

namespace {
class Guardian {
 public:
  /// Forked off before anything is lent, so that nothing of a lender that is killed is lost.
  Guardian(const StateDirectory& state, const Borrower& borrower, const GuardedLending& how) {
    std::array<int, 2> ends{};
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "make",
          "a socket pair");
    channel_ = UniqueFd{ends[0]};
    Watch watch{.lender = UniqueFd{ends[1]},
                .state_path = state.path(),
                .borrower = borrower.netns.identity(),
                .process = borrower.process,
                .netns_path = borrower.netns_path,
                .pidfd = {},
                .lender_pidfd = {},
                .following = how.following};
    if (borrower.process) watch.pidfd = open_pidfd(borrower.process->pid);
    if (how.lender == Lender::stays) watch.lender_pidfd = open_pidfd(::getpid());
    const pid_t pid = check(::fork(), "fork", "the guardian");
    if (pid == 0) {
      set_title("netlend-guardian " + borrower.id.str());
      ::_exit(keep_watch(std::move(watch)));
    }
    identity_ = identify_process(pid);
  }

  const ProcessIdentity& identity() const noexcept { return identity_; }

  /// Gives it what is to be held open and says which ledger is its own; when this returns, it needs
  /// nothing more of us and is on watch.
  void leave_with(const std::string& ledger_name, const std::vector<UniqueFd>& held) {
    expect(kGuardianReady);
    for (const auto& fd : held) send_descriptor(channel_.get(), kGuardianHold, fd.get());
    check(retry([&] {
            return ::send(channel_.get(), ledger_name.data(), ledger_name.size(), MSG_NOSIGNAL);
          }),
          "speak to", "the guardian");
    expect("");  // It hangs up.
  }

 private:
  void expect(std::string_view word) {
    std::array<char, kGuardianMessageMax> message{};
    const auto size =
        check(retry([&] { return ::recv(channel_.get(), message.data(), message.size(), 0); }),
              "hear from", "the guardian");
    const std::string_view answer(message.data(), static_cast<std::size_t>(size));
    if (answer == word) return;
    throw Error(fmt::format("no guardian can be left with the borrower: {}",
                            answer.empty() ? "it ended" : answer));
  }

  UniqueFd channel_;
  ProcessIdentity identity_;
};

bool is_guarded_by(const StateDirectory& state, const std::string& ledger_name,
                   const ProcessIdentity& guardian) {
  const auto ledger = load_ledger(state, ledger_name);
  return ledger && ledger->guardian == guardian;
}
}  // namespace

std::string lend_guarded(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                         const GuardedLending& how) {
  if (!how.settings.guardian) return lend(context, plan, borrower, how.options);
  Guardian guardian(context.state, borrower, how);
  LendOptions guarded = how.options;
  guarded.guardian = guardian.identity();
  std::vector<UniqueFd> held;
  guarded.keep_open = [&](UniqueFd fd) { held.push_back(std::move(fd)); };
  std::string ledger = lend(context, plan, borrower, guarded);
  // What was lent already has its own, and this one ends when nothing is said to it.
  if (!is_guarded_by(context.state, ledger, guardian.identity())) return ledger;
  try {
    guardian.leave_with(ledger, held);
  } catch (const Error&) {
    // What can't be undone stays in the ledger, for reap.
    static_cast<void>(give_back(context, ledger));
    throw;
  }
  return ledger;
}

}  // namespace netlend
