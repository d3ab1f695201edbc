#include "container/bundle_init.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "container/bundle_process.hpp"
#include "container/execute.hpp"
#include "container/exit_codes.hpp"
#include "container/hooks.hpp"
#include "container/pty.hpp"
#include "container/start_gate.hpp"

namespace netlend {

namespace {
/// The parent or the starter was killed: what it began ends here.
struct Abandoned {};

/// A failure with an exit code of its own.
struct Refused {
  StartFailure failure;
};

UniqueFd open_folder(const std::string& path) {
  return UniqueFd{check(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open", path)};
}

void wait_for_go(BundleInit& init) {
  if (!init.channel.wait_for_go()) throw Abandoned{};
}

/// Only what is needed until the start stays open: the parent's locks would else be held by us, and
/// its folders be within reach of whoever shares the pid namespace (CVE-2016-9962).
void close_all_but_own(const BundleInit& init) {
  std::vector<unsigned> kept;
  for (unsigned fd = 0; fd <= STDERR_FILENO + init.preserved_fds; ++fd) kept.push_back(fd);
  const auto keep = [&](int fd) {
    if (fd >= 0) kept.push_back(static_cast<unsigned>(fd));
  };
  keep(init.channel.fd());
  keep(init.start_gate.get());
  for (const auto& joined : init.namespaces.joined) keep(joined.fd.get());
  std::sort(kept.begin(), kept.end());
  unsigned next = 0;
  for (const unsigned fd : kept) {
    if (fd > next) check(::close_range(next, fd - 1, 0), "close", "the parent's descriptors");
    next = fd + 1;
  }
  check(::close_range(next, ~0U, 0), "close", "the parent's descriptors");
}

void leave_parent(const BundleInit& init) {
  // Memory, descriptors and /proc/PID/exe of this process, a copy of its parent, are closed to all
  // who share the pid namespace until it executes the container's program (CVE-2016-9962).
  check(::prctl(PR_SET_DUMPABLE, 0), "close to others", "this process");
  close_all_but_own(init);
  check(::setsid(), "leave", "the session of the caller");
  if (init.keyring == SessionKeyring::own) make_session_keyring(init.id);
}

void enter_namespaces(const BundleInit& init) {
  join_namespaces(init.namespaces);
  const auto& config = init.config;
  if (!config.hostname.empty()) {
    check(::sethostname(config.hostname.c_str(), config.hostname.size()), "/hostname: set",
          config.hostname);
  }
  if (!config.domainname.empty()) {
    check(::setdomainname(config.domainname.c_str(), config.domainname.size()), "/domainname: set",
          config.domainname);
  }
}

/// Hands the terminal's other end to the parent, and becomes its session's leader.
void take_terminal(BundleInit& init) {
  const auto& process = *init.config.process;
  if (!process.terminal) return;
  const auto pty = open_pty();
  if (process.console_size) {
    const winsize size{.ws_row = process.console_size->rows,
                       .ws_col = process.console_size->columns,
                       .ws_xpixel = 0,
                       .ws_ypixel = 0};
    check(::ioctl(pty.master.get(), TIOCSWINSZ, &size), "size", "the terminal");
  }
  init.channel.send_terminal(pty.master.get());
  mount_console(pty);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    check(::dup2(pty.slave.get(), fd), "replace", "a standard descriptor");
  }
  check(::ioctl(STDIN_FILENO, TIOCSCTTY, 0), "take", "the terminal");
}

/// Source: sd_listen_fds(3).
void tell_of_listened_fds(std::vector<std::string>& environment, unsigned count) {
  std::erase_if(environment, [](const std::string& entry) {
    return entry.starts_with("LISTEN_PID=") || entry.starts_with("LISTEN_FDS=");
  });
  environment.push_back(fmt::format("LISTEN_PID={}", ::getpid()));
  environment.push_back(fmt::format("LISTEN_FDS={}", count));
}

/// All that can be done before the start, and all that can be known to fail: engines look for a
/// missing program in the answer of `create`.
std::vector<std::string> prepare_process(BundleInit& init) {
  take_terminal(init);
  const auto& process = *init.config.process;
  for (const auto& filter : init.filters) install_seccomp(filter);
  become_user_process(process);
  auto environment = environment_of(process);
  if (init.listened_fds != 0) tell_of_listened_fds(environment, init.listened_fds);
  if (auto failure = why_not_executable(process.args, environment)) throw Refused{*failure};
  return environment;
}

/// The pid that they are told is the container's own.
void run_create_container_hooks(const BundleInit& init) {
  if (init.config.hooks.create_container.empty()) return;
  const auto folder = open_folder(init.bundle);
  const auto state = init.state_text("creating", ::getpid());
  run_hooks({.stage = "createContainer", .state = state, .working_folder = folder.get()},
            init.config.hooks.create_container);
}

void run_start_container_hooks(const BundleInit& init,
                               const std::vector<std::string>& environment) {
  if (init.config.hooks.start_container.empty()) return;
  const auto folder = open_folder("/");
  const auto state = init.state_text("created", ::getpid());
  run_hooks({.stage = "startContainer",
             .state = state,
             .working_folder = folder.get(),
             .environment = &environment},
            init.config.hooks.start_container);
}

/// Makes the container. Returns its process's environment.
std::vector<std::string> make_container(BundleInit& init) {
  leave_parent(init);
  enter_namespaces(init);
  if (init.config.process) set_oom_score(*init.config.process);
  BundleRoot root(init.config, init.bundle, init.mount_cgroup);
  init.channel.say_ready();
  wait_for_go(init);
  // Only now the parent has for sure moved us to the cgroup that is to be its root.
  if (init.namespaces.own_cgroup) {
    check(::unshare(CLONE_NEWCGROUP), "make", "a cgroup namespace");
  }
  run_create_container_hooks(init);
  root.enter(init.root_change);
  std::vector<std::string> environment;
  if (init.config.process) environment = prepare_process(init);
  init.channel.say_ready();
  wait_for_go(init);
  return environment;
}

void wait_to_be_started(BundleInit& init) {
  if (!init.start_gate.is_open()) return;
  init.channel.close();
  init.channel = wait_at_start_gate(init.start_gate);
}

StartFailure start_process(const BundleInit& init, const std::vector<std::string>& environment) {
  run_start_container_hooks(init, environment);
  reset_signals();
  check(::close_range(STDERR_FILENO + 1 + init.preserved_fds, ~0U, CLOSE_RANGE_CLOEXEC), "close",
        "all descriptors");
  return execute(init.config.process->args, environment);
}
}  // namespace

int run_bundle_init(BundleInit& init) {
  StartFailure failure{.exit_code = kExitNetlendFailed, .message = {}};
  try {
    const auto environment = make_container(init);
    wait_to_be_started(init);
    failure = start_process(init, environment);
  } catch (const Abandoned&) {
    return kExitNetlendFailed;
  } catch (const Refused& refused) {
    failure = refused.failure;
  } catch (const Error& error) {
    failure.message = error.what();
  }
  init.channel.report(failure);
  return failure.exit_code;
}

}  // namespace netlend
