#include "container/init.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "container/execute.hpp"
#include "container/exit_codes.hpp"
#include "container/pty.hpp"
#include "container/signals.hpp"
#include "container/spawn.hpp"
#include "privilege/capabilities.hpp"

namespace netlend {

namespace {
/// The folder we were started in: the same one, not merely one of that name, may be visible inside.
struct WorkingFolder {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
};

std::optional<WorkingFolder> working_folder() {
  std::array<char, PATH_MAX> path{};
  struct stat status {};
  if (::getcwd(path.data(), path.size()) == nullptr || ::stat(".", &status) == -1) {
    return std::nullopt;
  }
  return WorkingFolder{.path = path.data(), .device = status.st_dev, .inode = status.st_ino};
}

/// Enters `folder` if it is the same one inside, else stays in /. The path must lead there from the
/// container's root: a folder outside has none (CVE-2024-21626).
void enter_working_folder(const std::optional<WorkingFolder>& folder) {
  if (!folder || ::chdir(folder->path.c_str()) == -1) return;
  const auto inside = working_folder();
  const bool is_same = inside && inside->device == folder->device && inside->inode == folder->inode;
  if (!is_same) check(::chdir("/"), "enter", "/");
}

bool die_with_parent(int parent_pidfd) {
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "ask to die with", "the parent");
  // It may have died before we asked; getppid(2) can't tell across pid namespaces.
  return is_alive(parent_pidfd);
}

void bring_up_loopback() {
  const UniqueFd socket{
      check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open", "an IPv4 socket")};
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  check(::ioctl(socket.get(), SIOCGIFFLAGS, &request), "read the flags of", "lo");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "bring up", "lo");
}

void set_hostname(const std::string& id) {
  const auto size = std::min<std::size_t>(id.size(), HOST_NAME_MAX);
  check(::sethostname(id.c_str(), size), "set the hostname to", id);
}

/// Gives the container a terminal if the caller has one, and the caller its other end. Returns it.
UniqueFd take_terminal(ChildChannel& channel) {
  if (!any_standard_terminal()) return {};
  auto pty = open_pty();
  channel.send_terminal(pty.master.get());
  mount_console(pty);
  replace_standard_terminals(pty);
  return std::move(pty.slave);
}

/// From here on the container's own processes may run: nothing of ours that they could reach may
/// have more than they.
void limit_privileges(const InitContext& context) {
  check(::setgroups(0, nullptr), "drop", "the supplementary groups");
  limit_capabilities(context.options.capabilities);
  set_no_new_privileges();
  for (const auto& filter : context.filters) install_seccomp(filter);
}

/// Returns the container's terminal, if it has one.
UniqueFd make_container(InitContext& context) {
  const auto folder = working_folder();
  // Memory and descriptors of this process, a copy of its parent, and its /proc/1/exe, the host's
  // netlend, are closed to everybody inside (CVE-2016-9962, CVE-2019-5736).
  check(::prctl(PR_SET_DUMPABLE, 0), "close to others", "this process");
  check(::prctl(PR_SET_NAME, "netlend-init"), "name", "this process");
  enter_host_root(context.options.root);
  set_hostname(context.options.id.str());
  if (context.options.network == ContainerNetwork::own) bring_up_loopback();
  auto terminal = take_terminal(context.channel);
  enter_working_folder(folder);
  limit_privileges(context);
  return terminal;
}

[[noreturn]] void run_command(InitContext& context) noexcept {
  StartFailure failure{.exit_code = kExitNetlendFailed, .message = {}};
  try {
    check(::setsid(), "make a session for", "the command");
    if (::isatty(STDIN_FILENO) != 0) {
      check(::ioctl(STDIN_FILENO, TIOCSCTTY, 0), "take", "the terminal");
    }
    reset_signals();
    check(::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC), "close", "all descriptors");
    failure = execute(context.options.command, context.options.environment);
  } catch (const Error& error) {
    failure.message = error.what();
  }
  context.channel.report(failure);
  ::_exit(failure.exit_code);
}

/// Who reads the command's output is to see it end when the command closes it, so nothing of it
/// stays open here; but the terminal does, which the kernel hangs up when nobody has it open.
void close_all_but(const UniqueFd& terminal) noexcept {
  const bool has_terminal = terminal.is_open() && ::dup2(terminal.get(), STDIN_FILENO) != -1;
  ::close_range(has_terminal ? STDIN_FILENO + 1 : STDIN_FILENO, ~0U, 0);
}

/// A child that asked for it (PTRACE_TRACEME) stops at each signal and waits for us: it goes on as
/// if it were nobody's, with that signal; but SIGTRAP tells of an execve(2), and would end it.
void let_go(pid_t child, int signal) noexcept {
  const std::uintptr_t delivered = signal == SIGTRAP ? 0 : static_cast<std::uintptr_t>(signal);
  // It fails only for one that was killed meanwhile, which its end tells.
  static_cast<void>(::ptrace(PTRACE_DETACH, child, nullptr, delivered));
}

/// The exit code of `command`, if it is among the children that have ended.
std::optional<int> reap_children(pid_t command) {
  std::optional<int> code;
  int status = 0;
  for (pid_t child = 0; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (WIFSTOPPED(status)) {
      let_go(child, WSTOPSIG(status));
    } else if (child == command) {
      code = exit_code_of(status);
    }
  }
  return code;
}

/// Nobody else can reap here, and the kernel gives the first process of a pid namespace only the
/// signals that it asks for: pid_namespaces(7).
int tend_command(pid_t command) {
  sigset_t all;
  ::sigfillset(&all);
  for (;;) {
    const int signal = ::sigwaitinfo(&all, nullptr);
    if (signal == -1) continue;
    if (signal != SIGCHLD) {
      // It fails only for a command that has just ended, which the next SIGCHLD tells.
      static_cast<void>(::kill(command, signal));
    } else if (const auto code = reap_children(command)) {
      return *code;
    }
  }
}
}  // namespace

int run_init(InitContext& context) {
  pid_t command = -1;
  UniqueFd terminal;
  try {
    check(::setsid(), "leave", "the session of the caller");
    if (!die_with_parent(context.parent_pidfd) || !context.channel.wait_for_go()) {
      return kExitNetlendFailed;
    }
    terminal = make_container(context);
    // Who starts netlend may have it ignore SIGCHLD, and then nothing would ever tell of an end.
    reset_signals();
    block_all_signals();
    command = check(::fork(), "fork", "the command");
  } catch (const Error& error) {
    context.channel.report({.exit_code = kExitNetlendFailed, .message = error.what()});
    return kExitNetlendFailed;
  }
  if (command == 0) run_command(context);
  close_all_but(terminal);
  return tend_command(command);
}

}  // namespace netlend
