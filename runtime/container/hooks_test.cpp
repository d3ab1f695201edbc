#include "container/hooks.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "container/spawn.hpp"
#include "support/lab.hpp"

using netlend::check;
using netlend::HookCall;
using netlend::UniqueFd;
using netlend::oci::Hook;
using netlend::test::error_of;

namespace {
Hook shell(const std::string& script) {
  return {.path = "/bin/sh", .args = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}};
}

// A folder of its own, in which the hooks begin.
struct Folder {
  Folder() {
    check(::mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755"), "mount", "/mnt");
    fd = netlend::open_directory(AT_FDCWD, "/mnt");
  }
  ~Folder() {
    fd.reset();
    ::umount2("/mnt", MNT_DETACH);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  HookCall call(std::string_view state = "{}") const {
    return {.stage = "createRuntime", .state = state, .working_folder = fd.get()};
  }
  std::string read(const std::string& name) const {
    return netlend::read_file(fd.get(), name, std::size_t{1} << 22);
  }

  UniqueFd fd;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(hooks, Folder)

BOOST_AUTO_TEST_CASE(a_hook_gets_its_arguments_its_environment_the_state_and_the_folder) {
  const Hook hook{.path = "/bin/sh",
                  .args = {"another name", "-c",
                           "cat >state; cat /proc/$$/environ >environ; "
                           "cat /proc/$$/cmdline >cmdline",
                           "x"},
                  .env = {"A=1", "B=two words"}};
  netlend::run_hooks(call(R"({"id":"db1"})"), std::vector{hook});
  using namespace std::string_literals;
  BOOST_TEST(read("state") == R"({"id":"db1"})");
  BOOST_TEST(read("environ") == "A=1\0B=two words\0"s);
  BOOST_TEST(read("cmdline").starts_with("another name\0-c\0"s));
}

BOOST_AUTO_TEST_CASE(a_hook_without_an_environment_has_that_of_its_stage_or_of_the_runtime) {
  using namespace std::string_literals;
  const std::vector silent{
      Hook{.path = "/bin/sh", .args = {"sh", "-c", "cat /proc/$$/environ >environ"}}};
  const std::vector<std::string> of_the_process{"PATH=/bin", "HOME=/root"};
  auto start = call();
  start.environment = &of_the_process;
  netlend::run_hooks(start, silent);
  BOOST_TEST(read("environ") == "PATH=/bin\0HOME=/root\0"s);
  check(::setenv("NETLEND_TEST", "runtime", 1), "set", "a variable");
  netlend::run_hooks(call(), silent);
  check(::unsetenv("NETLEND_TEST"), "unset", "a variable");
  BOOST_TEST(("\0"s + read("environ")).find("\0NETLEND_TEST=runtime\0"s) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hook_without_arguments_has_its_path_for_a_name) {
  netlend::replace_file(fd.get(), "hook", "#!/bin/sh\n[ $# = 0 ] && echo \"$0\" >/mnt/name\n",
                        0755);
  netlend::run_hooks(call(), std::vector{Hook{.path = "/mnt/hook"}});
  BOOST_TEST(read("name") == "/mnt/hook\n");
}

BOOST_AUTO_TEST_CASE(a_hook_has_no_descriptors_but_three) {
  // Without O_CLOEXEC, as a careless engine leaves them.
  const UniqueFd leaked{::open("/", O_RDONLY | O_DIRECTORY)};
  netlend::run_hooks(call(), std::vector{shell("for fd in /proc/$$/fd/*; do echo $fd; done >fds")});
  // 10 and above are the shell's own.
  BOOST_TEST(read("fds").find("/" + std::to_string(leaked.get()) + "\n") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hook_begins_with_default_signals) {
  sigset_t blocked;
  sigset_t before;
  ::sigfillset(&blocked);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  netlend::run_hooks(call(),
                     std::vector{shell("grep -E 'Sig(Blk|Ign)' /proc/self/status >signals")});
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  BOOST_TEST(read("signals") == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

BOOST_AUTO_TEST_CASE(hooks_run_in_their_order_until_one_fails) {
  const std::vector<Hook> list{shell("echo one >>log"),
                               shell("echo two >>log; echo why >&2; exit 3"),
                               shell("echo three >>log")};
  BOOST_TEST(error_of([&] { netlend::run_hooks(call(), list); }) ==
             "run createRuntime hook '/bin/sh': exit code 3: why");
  BOOST_TEST(read("log") == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(where_all_are_to_run_those_that_fail_are_listed) {
  const std::vector<Hook> list{shell("exit 1"), shell("echo two >>log"), Hook{.path = "/nosuch"},
                               shell("echo four >>log")};
  const auto failures = netlend::run_all_hooks(call(), list);
  BOOST_REQUIRE(failures.size() == 2U);
  BOOST_TEST(failures[0].what == "run createRuntime hook '/bin/sh': exit code 1");
  BOOST_TEST(failures[1].what ==
             "run createRuntime hook '/nosuch': exit code 126: execute '/nosuch': No such file or "
             "directory (ENOENT)");
  BOOST_TEST(read("log") == "two\nfour\n");
}

BOOST_AUTO_TEST_CASE(a_hook_that_a_signal_ends_has_failed) {
  BOOST_TEST(error_of([&] { netlend::run_hooks(call(), std::vector{shell("kill -9 $$")}); }) ==
             "run createRuntime hook '/bin/sh': killed by signal 9");
}

BOOST_AUTO_TEST_CASE(a_hook_that_takes_too_long_is_killed_with_what_it_started) {
  // Its child holds the other end of `alive`.
  check(::mkfifo("/mnt/alive", 0600), "make", "alive");
  const UniqueFd alive{::open("/mnt/alive", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  auto hook = shell("echo begun; sleep 1000 >alive & wait");
  hook.timeout_s = 3;
  BOOST_TEST(error_of([&] { netlend::run_hooks(call(), std::vector{hook}); }) ==
             "run createRuntime hook '/bin/sh': still running after 3 s, killed: begun");
  ::fcntl(alive.get(), F_SETFL, 0);
  char byte = 0;
  BOOST_TEST(::read(alive.get(), &byte, 1) == 0);
}

BOOST_AUTO_TEST_CASE(a_hook_ends_with_its_runtime) {
  check(::mkfifo("/mnt/alive", 0600), "make", "alive");
  const auto runtime = netlend::spawn(0, [&] {
    netlend::run_hooks(call(), std::vector{shell("exec sleep 1000 >alive")});
    return 0;
  });
  // Opened once the hook has it open, too.
  const UniqueFd alive{::open("/mnt/alive", O_RDONLY | O_CLOEXEC)};
  ::kill(runtime.pid, SIGKILL);
  ::waitpid(runtime.pid, nullptr, 0);
  char byte = 0;
  BOOST_TEST(::read(alive.get(), &byte, 1) == 0);
}

BOOST_AUTO_TEST_CASE(what_a_hook_leaves_running_holds_nobody_up) {
  check(::mkfifo("/mnt/end", 0600), "make", "end");
  netlend::run_hooks(call(), std::vector{shell("read x <end & echo $! >left")});
  const auto pid = static_cast<pid_t>(std::stol(read("left")));
  BOOST_TEST(::kill(pid, 0) == 0);
  ::kill(pid, SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_long_output_and_a_long_state_do_no_harm) {
  const std::string state(std::size_t{1} << 20, 'x');
  BOOST_TEST(error_of([&] {
               netlend::run_hooks(
                   call(state), std::vector{shell("head -c 10000000 /dev/zero; printf '\\n\\033[2J"
                                                  "the end\\n\\n'; exit 1")});
             }) == "run createRuntime hook '/bin/sh': exit code 1: \\x1b[2Jthe end");
  netlend::run_hooks(call(state), std::vector{shell("cat >state")});
  BOOST_TEST(read("state").size() == state.size());
}

BOOST_AUTO_TEST_CASE(a_hook_runs_in_a_root_that_has_nothing_but_its_program) {
  netlend::test::sh("mkdir /mnt/root && cp /bin/busybox /mnt/root/busybox && chmod 755 /mnt/root");
  const auto child = netlend::spawn(CLONE_NEWNS | CLONE_NEWPID, [&] {
    check(::chroot("/mnt/root"), "enter", "/mnt/root");
    const auto root = netlend::open_directory(AT_FDCWD, "/");
    netlend::run_hooks({.stage = "startContainer", .state = "{}", .working_folder = root.get()},
                       std::vector{Hook{.path = "/busybox",
                                        .args = {"busybox", "sh", "-c", "/busybox cat >state"}}});
    return 0;
  });
  int status = 0;
  check(::waitpid(child.pid, &status, 0), "wait for", "the child");
  BOOST_TEST(status == 0);
  BOOST_TEST(read("root/state") == "{}");
}

BOOST_AUTO_TEST_SUITE_END()
