#include "container/container.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "container/test_run.hpp"

using netlend::check;
using netlend::test::options_for;
using netlend::test::run;
using netlend::test::Runner;
using netlend::test::shell;

BOOST_AUTO_TEST_SUITE(container)

BOOST_AUTO_TEST_CASE(the_exit_code_is_the_commands_own) {
  for (const int code : {0, 1, 2, 42, 125, 126, 127, 128, 137, 255}) {
    BOOST_TEST(run(shell(fmt::format("exit {}", code))).exit_code == code);
  }
}

BOOST_AUTO_TEST_CASE(a_command_that_a_signal_ends_is_128_and_its_number) {
  BOOST_TEST(run(shell("kill -9 $$")).exit_code == 137);
  BOOST_TEST(run(shell("kill -TERM $$")).exit_code == 143);
  BOOST_TEST(run(shell("kill -SEGV $$")).exit_code == 139);
}

BOOST_AUTO_TEST_CASE(a_command_that_asks_its_parent_to_trace_it_goes_on_at_a_signal) {
  const std::string traced = fmt::format("syscall({}, 0, 0, 0, 0);", SYS_ptrace);
  const auto ignored = run(options_for(
      {"perl", "-e", "$SIG{URG} = 'IGNORE'; " + traced + " kill 'URG', $$; print 'on'; exit 5"}));
  BOOST_TEST(ignored.exit_code == 5);
  BOOST_TEST(ignored.output == "on");
  const auto executed =
      run(options_for({"perl", "-e", traced + " exec 'sh', '-c', 'echo on; kill -TERM $$'"}));
  BOOST_TEST(executed.exit_code == 143);
  BOOST_TEST(executed.output == "on\n");
}

BOOST_AUTO_TEST_CASE(a_command_that_is_not_there_is_127) {
  const auto in_path = run(options_for({"netlend-nosuch"}));
  BOOST_TEST(in_path.exit_code == 127);
  BOOST_TEST(in_path.output ==
             "execute 'netlend-nosuch': executable file not found in PATH (ENOENT)\n");
  BOOST_TEST(run(options_for({"/usr/bin/netlend-nosuch"})).exit_code == 127);
  BOOST_TEST(run(options_for({"/etc/passwd/x"})).exit_code == 127);
}

BOOST_AUTO_TEST_CASE(a_command_that_can_not_be_executed_is_126) {
  const auto plain_file = run(options_for({"/etc/passwd"}));
  BOOST_TEST(plain_file.exit_code == 126);
  BOOST_TEST(plain_file.output == "execute '/etc/passwd': Permission denied (EACCES)\n");
  BOOST_TEST(run(options_for({"/usr"})).exit_code == 126);
}

BOOST_AUTO_TEST_CASE(a_missing_interpreter_is_not_mistaken_for_a_missing_command) {
  check(::mount("tmpfs", "/mnt", "tmpfs", 0, nullptr), "mount", "/mnt");
  {
    const netlend::UniqueFd script{::open("/mnt/script", O_CREAT | O_WRONLY | O_CLOEXEC, 0755)};
    netlend::write_all(script.get(), "#!/nosuch\n", "/mnt/script");
  }
  const auto outcome = run(options_for({"/mnt/script"}));
  ::umount2("/mnt", MNT_DETACH);
  BOOST_TEST(outcome.exit_code == 126);
  BOOST_TEST(outcome.output ==
             "execute '/mnt/script': its interpreter or dynamic loader is not there (ENOENT)\n");
}

BOOST_AUTO_TEST_CASE(arguments_and_environment_arrive_as_they_are) {
  auto options =
      options_for({"sh", "-c", "printf '[%s]' \"$@\"; env | sort", "sh", "a b", "", "$x"});
  options.environment = {"PATH=/usr/bin:/bin", "EMPTY=", "TEXT=a b"};
  const auto outcome = run(options);
  BOOST_TEST(outcome.output.starts_with("[a b][][$x]EMPTY=\nPATH=/usr/bin:/bin\n"));
  BOOST_TEST(outcome.output.find("\nTEXT=a b\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_megabyte_of_environment_arrives_and_one_too_big_is_126) {
  auto options = shell("echo ${#V0} ${#V15}");
  constexpr std::size_t kBytes = 64 * 1024UL;
  for (int i = 0; i < 16; ++i) {
    options.environment.push_back(fmt::format("V{}={}", i, std::string(kBytes, 'x')));
  }
  BOOST_TEST(run(options).output == "65536 65536\n");

  constexpr std::size_t kOverMaxArgStrlen = 256 * 1024UL;
  options.environment.push_back("W=" + std::string(kOverMaxArgStrlen, 'x'));
  const auto outcome = run(options);
  BOOST_TEST(outcome.exit_code == 126);
  BOOST_TEST(outcome.output == "execute 'sh': Argument list too long (E2BIG)\n");
}

BOOST_AUTO_TEST_CASE(privileges_are_limited_for_the_command_and_for_init) {
  for (const auto* process : {"self", "1"}) {
    const auto outcome =
        run(shell(fmt::format("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/{}/status", process)));
    BOOST_TEST(outcome.output ==
               "CapInh:\t0000000000000000\nCapPrm:\t00000000000425f9\nCapEff:\t00000000000425f9\n"
               "CapBnd:\t00000000000425f9\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n"
               "Seccomp:\t2\n");
  }
}

BOOST_AUTO_TEST_CASE(files_of_others_are_closed_to_root_without_dac_override) {
  const auto outcome = run(
      shell("umask 077; cd /tmp; echo secret > f; chown 1000 f; cat f; echo x > f; rm f && ls"));
  BOOST_TEST(outcome.output.find("cat: f: Permission denied") != std::string::npos);
  BOOST_TEST(outcome.output.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(mounts_namespaces_and_typing_on_a_terminal_are_refused) {
  BOOST_TEST(run(shell("mount -t tmpfs t /mnt")).exit_code != 0);
  BOOST_TEST(run(shell("umount -l /home")).exit_code != 0);
  BOOST_TEST(run(shell("unshare -n true")).exit_code != 0);
  BOOST_TEST(run(shell("unshare -Ur true")).exit_code != 0);
  BOOST_TEST(run(shell("mknod /tmp/disk b 254 0")).exit_code != 0);
  constexpr int kEperm = 1;
  BOOST_TEST(run(shell("perl -e '$c = q(x); ioctl(STDIN, 0x5412, $c) or exit $!+0'")).exit_code ==
             kEperm);
}

BOOST_AUTO_TEST_CASE(init_is_closed_to_the_container_and_so_is_the_hosts_netlend_through_it) {
  const auto outcome =
      run(shell("for f in exe root cwd fd/0 ns/net; do readlink /proc/1/$f && echo $f; done; "
                "cat /proc/1/environ /proc/1/mem /proc/1/maps 2>&1 | grep -c denied"));
  BOOST_TEST(outcome.output == "3\n");
}

BOOST_AUTO_TEST_CASE(only_the_standard_descriptors_are_open) {
  const auto outcome = run(shell("ls /proc/$$/fd; ls /proc/1/fd 2>/dev/null"), [] {
    for (int i = 0; i < 100; ++i) check(::open("/", O_RDONLY), "open", "/");
  });
  BOOST_TEST(outcome.output == "0\n1\n2\n");
}

BOOST_AUTO_TEST_CASE(signals_mask_and_umask_are_those_of_a_fresh_program) {
  const auto outcome = run(shell("umask; grep -E '^Sig(Blk|Ign)' /proc/self/status"), [] {
    ::umask(077);
    static_cast<void>(::signal(SIGPIPE, SIG_IGN));
    static_cast<void>(::signal(SIGCHLD, SIG_IGN));
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, nullptr);
  });
  BOOST_TEST(outcome.output == "0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

BOOST_AUTO_TEST_CASE(signals_reach_the_command_through_netlend_and_through_pid_1) {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2}) {
    const auto script =
        fmt::format("trap 'exit 7' {}; echo ready; while :; do sleep 0.01; done", number);
    // One in the background of a script would ignore SIGINT and SIGQUIT, as that does.
    Runner runner(shell(script), [number] { static_cast<void>(::signal(number, SIG_DFL)); });
    runner.read_until("ready\n");
    runner.signal(number);
    BOOST_TEST(runner.exit_code() == 7);
  }
  BOOST_TEST(
      run(shell("trap 'exit 8' TERM; kill -TERM 1; while :; do sleep 0.01; done")).exit_code == 8);
}

BOOST_AUTO_TEST_CASE(a_signal_that_the_caller_ignores_is_not_passed_on) {
  Runner runner(shell("trap 'exit 9' TERM; trap 'exit 7' HUP; echo ready; "
                      "while :; do sleep 0.01; done"),
                [] { static_cast<void>(::signal(SIGHUP, SIG_IGN)); });
  runner.read_until("ready\n");
  runner.signal(SIGHUP);
  runner.signal(SIGTERM);
  BOOST_TEST(runner.exit_code() == 9);
}

BOOST_AUTO_TEST_CASE(orphans_are_reaped) {
  const auto outcome =
      run(shell("sh -c 'sh -c \"exit 0\" & echo $! > /tmp/orphan'\n"
                "while [ -e /proc/$(cat /tmp/orphan) ]; do sleep 0.01; done; echo gone"));
  BOOST_TEST(outcome.output == "gone\n");
}

BOOST_AUTO_TEST_CASE(what_the_command_leaves_running_ends_with_it) {
  Runner runner(shell("sleep 1000 & echo ready"));
  // The pipe's end is the proof: the sleeper had it open.
  BOOST_TEST(runner.read_rest() == "ready\n");
  BOOST_TEST(runner.exit_code() == 0);
}

BOOST_AUTO_TEST_CASE(everything_dies_with_netlend) {
  Runner runner(shell("sleep 1000 & echo ready; wait"));
  runner.read_until("ready\n");
  const auto init = netlend::open_pidfd(runner.init());
  runner.signal(SIGKILL);
  BOOST_TEST(netlend::wait_for_exit(init.get(), 20'000));
  BOOST_TEST(runner.read_rest().empty());
  BOOST_TEST(runner.exit_code() == 137);
}

BOOST_AUTO_TEST_CASE(the_hostname_is_the_containers_id_and_the_hosts_stays) {
  char before[256] = {};
  ::gethostname(before, sizeof before);
  BOOST_TEST(run(shell("hostname")).output == "box1\n");
  char after[256] = {};
  ::gethostname(after, sizeof after);
  BOOST_TEST(std::string(before) == after);
}

BOOST_AUTO_TEST_CASE(the_loopback_device_is_up_and_the_only_one) {
  const auto outcome = run(shell("cd /sys/class/net && echo * && cat lo/flags"));
  BOOST_TEST(outcome.output == "lo\n0x9\n");
}

BOOST_AUTO_TEST_CASE(the_working_folder_is_kept_if_it_is_the_same_inside) {
  const auto pwd_from = [](const char* folder) {
    return run(shell("pwd"), [=] { check(::chdir(folder), "enter", folder); }).output;
  };
  BOOST_TEST(pwd_from("/usr/lib") == "/usr/lib\n");
  BOOST_TEST(pwd_from("/root") == "/\n");
  BOOST_TEST(pwd_from("/tmp") == "/\n");
  BOOST_TEST(pwd_from("/proc/self") == "/\n");
}

BOOST_AUTO_TEST_CASE(a_container_that_is_never_started_leaves_nothing) {
  pid_t init = 0;
  {
    const netlend::Container unstarted(shell("true"));
    init = unstarted.pid();
    BOOST_TEST(netlend::is_alive(netlend::open_pidfd(init).get()));
  }
  BOOST_TEST(::kill(init, 0) == -1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(terminal)

BOOST_AUTO_TEST_CASE(the_command_has_a_terminal_of_its_own_of_the_callers_size) {
  auto runner =
      Runner::on_terminal(shell("tty; stty size; for i in 0 1 2; do test -t $i || exit 1; done; "
                                "echo console > /dev/console; exit 5"));
  BOOST_TEST(runner.read_rest() == "/dev/pts/0\r\n33 101\r\nconsole\r\n");
  BOOST_TEST(runner.exit_code() == 5);
}

BOOST_AUTO_TEST_CASE(control_c_and_control_z_go_to_the_job_in_front) {
  auto runner = Runner::on_terminal(options_for({"bash", "--norc", "--noediting", "-i"}));
  runner.type("PS1=next'> '\n");
  runner.read_until("next> ");
  runner.type("echo sh''ell; cat\n");
  runner.read_until("shell\r\n");
  runner.type("echoed\n");
  runner.read_until("echoed\r\nechoed\r\n");
  runner.type("\x1a");
  runner.read_until("next> ");
  runner.type("fg\n");
  runner.read_until("fg\r\ncat\r\n");
  runner.type("again\n");
  runner.read_until("again\r\nagain\r\n");
  runner.type("\x03");
  // Until it has its terminal back, the shell throws away what is typed.
  runner.read_until("next> ");
  runner.type("echo status=$?\n");
  runner.read_until("status=130\r\n");
  runner.type("exit 4\n");
  runner.read_rest();
  BOOST_TEST(runner.exit_code() == 4);
}

BOOST_AUTO_TEST_CASE(a_new_window_size_arrives) {
  auto runner = Runner::on_terminal(
      shell("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"));
  runner.read_until("ready\r\n");
  const winsize larger{.ws_row = 50, .ws_col = 120, .ws_xpixel = 0, .ws_ypixel = 0};
  check(::ioctl(runner.terminal(), TIOCSWINSZ, &larger), "size", "a pty");
  BOOST_TEST(runner.read_rest() == "50 120\r\n");
  BOOST_TEST(runner.exit_code() == 0);
}

BOOST_AUTO_TEST_CASE(the_callers_terminal_is_as_it_was_afterwards) {
  auto runner = Runner::on_terminal(shell("stty raw -echo; echo done"));
  termios before{};
  check(::tcgetattr(runner.terminal(), &before), "read", "the terminal");
  runner.read_rest();
  BOOST_TEST(runner.exit_code() == 0);
  termios after{};
  check(::tcgetattr(runner.terminal(), &after), "read", "the terminal");
  BOOST_TEST((after.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
}

BOOST_AUTO_TEST_CASE(no_byte_of_a_long_output_is_lost) {
  auto runner = Runner::on_terminal(shell("seq 20000"));
  const auto output = runner.read_rest();
  // 1..20000 have 88894 digits, and a carriage return and a newline each.
  BOOST_TEST(output.size() == 88'894U + 2U * 20'000U);
  BOOST_TEST(runner.exit_code() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
