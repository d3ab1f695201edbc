#include "oci-hook/hook.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/syscall.hpp"
#include "oci-hook/hook_fixture.hpp"

using netlend::check;
using netlend::Error;
using netlend::HookArguments;
using netlend::HookStage;
using netlend::parse_hook_arguments;
using netlend::stage_of_status;

using netlend::test::check_complaint;
using netlend::test::Container;
using netlend::test::run_hook;
using netlend::test::RunningHook;

namespace {
constexpr int kTimeoutMs = 60'000;
const std::string kProgram = NETLEND_HOOK_PROGRAM;
const std::string kLan0 = R"("io.netlend.nic.eth1":"lan0 addr=10.77.0.2/24")";

std::string state_of(pid_t pid, const std::string& annotations) {
  return netlend::test::state_of(pid, {.annotations = annotations});
}

std::map<std::string, std::string> read_status(pid_t pid) {
  std::map<std::string, std::string> fields;
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(":\t");
    if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return fields;
}

void drop_network_capability() { ::prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0); }

void become_root_of_a_user_namespace() {
  if (::unshare(CLONE_NEWUSER) == -1) ::_exit(126);
  std::ofstream("/proc/self/uid_map") << "0 0 1";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(oci_hook)

BOOST_AUTO_TEST_CASE(prestart_is_the_old_name_of_createRuntime) {
  const HookArguments lend{.stage = HookStage::create_runtime, .deadline_s = 20};
  BOOST_TEST((parse_hook_arguments({"createRuntime"}) == lend));
  BOOST_TEST((parse_hook_arguments({"prestart"}) == lend));
  const HookArguments give_back{.stage = HookStage::poststop, .deadline_s = 7};
  BOOST_TEST((parse_hook_arguments({"poststop", "--deadline", "7"}) == give_back));
}

BOOST_AUTO_TEST_CASE(without_a_stage_the_containers_status_tells_it) {
  const HookArguments any{.stage = {}, .deadline_s = 20};
  BOOST_TEST((parse_hook_arguments({}) == any));
  BOOST_TEST(parse_hook_arguments({"--deadline", "7"}).deadline_s == 7U);
  BOOST_TEST((stage_of_status("creating") == HookStage::create_runtime));
  BOOST_TEST((stage_of_status("created") == HookStage::create_runtime));
  BOOST_TEST((stage_of_status("stopped") == HookStage::poststop));
  for (const char* status : {"running", "paused", "", "Stopped"}) {
    BOOST_CHECK_THROW(stage_of_status(status), Error);
  }
  const Container container;
  check_complaint(run_hook({}, state_of(container.pid(), R"("io.netlend.nic.eth1":"lan0 mtu=1")")),
                  "mtu 1");
}

BOOST_AUTO_TEST_CASE(process_1_is_no_container) {
  const auto enter_container = [] {
    if (::unshare(CLONE_NEWNET) == -1) ::_exit(126);
  };
  check_complaint(run_hook({}, state_of(1, kLan0), enter_container),
                  "process 1, as at createContainer");
}

BOOST_AUTO_TEST_CASE(other_arguments_are_refused) {
  const std::vector<std::vector<std::string>> bad{
      {""},
      {"--deadline"},
      {"--deadline", "7", "poststop"},
      {"createContainer"},
      {"poststart"},
      {"poststop", "7"},
      {"poststop", "--deadline"},
      {"poststop", "--deadline", "0"},
      {"poststop", "--deadline", "3601"},
      {"poststop", "--deadline", "-1"},
      {"poststop", "--deadline", "7", "8"},
  };
  for (const auto& arguments : bad) BOOST_CHECK_THROW(parse_hook_arguments(arguments), Error);
}

BOOST_AUTO_TEST_CASE(a_container_that_asks_for_nothing_gets_nothing_said) {
  const Container container;
  for (const char* annotations : {"", R"("org.example":"lan0")"}) {
    const auto result = run_hook({"createRuntime"}, state_of(container.pid(), annotations));
    BOOST_TEST(result.exit_code == 0);
    BOOST_TEST(result.output == "");
  }
  BOOST_TEST(!std::filesystem::exists("/run/netlend"));
}

BOOST_AUTO_TEST_CASE(an_unreadable_state_is_refused_in_one_line) {
  check_complaint(run_hook({"createRuntime"}, ""), "state on standard input: parse error");
  check_complaint(run_hook({"createRuntime"}, "[]"), "top level: expected an object");
  check_complaint(run_hook({"createRuntime"}, R"({"a\nb":1,"a\nb":2})"), "is there twice");
  check_complaint(run_hook({"createRuntime"}, "{\"ociVersion\":\"1.0.2\"}"), "/id: is missing");
  check_complaint(run_hook({"createContainer"}, ""), "register it as createRuntime and poststop");
}

BOOST_AUTO_TEST_CASE(closed_standard_descriptors_do_no_harm) {
  const auto result = run_hook({"createRuntime"}, state_of(1, ""), [] { ::close(STDIN_FILENO); });
  check_complaint(result, "parse error");
  const auto silent = run_hook({"createRuntime"}, "[]", [] {
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
  });
  BOOST_TEST(silent.exit_code == 1);
  BOOST_TEST(silent.output == "");
}

BOOST_AUTO_TEST_CASE(a_reader_that_went_away_does_not_kill_it) {
  const auto result = run_hook({"createRuntime"}, "[]", [] {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) == -1) ::_exit(126);
    ::close(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
  });
  BOOST_TEST(result.exit_code == 1);
}

BOOST_AUTO_TEST_CASE(the_hosts_network_namespace_is_refused) {
  check_complaint(run_hook({"createRuntime"}, state_of(::getpid(), kLan0)),
                  "container 'db1' is in the host's own network namespace");
}

BOOST_AUTO_TEST_CASE(a_process_that_is_gone_is_refused) {
  pid_t gone = 0;
  {
    const Container container;
    gone = container.pid();
  }
  check_complaint(run_hook({"createRuntime"}, state_of(gone, kLan0)), "No such process (ESRCH)");
  check_complaint(run_hook({"createRuntime"}, state_of(0, kLan0)), "names no process");
}

BOOST_AUTO_TEST_CASE(what_the_annotations_say_wrong_is_named) {
  const Container container;
  check_complaint(run_hook({"createRuntime"},
                           state_of(container.pid(), R"("io.netlend.nic.eth1":"lan0 mtu=1")")),
                  "annotation 'io.netlend.nic.eth1': mtu 1: use 68 to 65535");
}

BOOST_AUTO_TEST_CASE(without_annotations_in_the_state_the_bundles_config_counts) {
  const Container container;
  const std::string state =
      fmt::format(R"({{"ociVersion":"1.0.2","id":"db1","status":"creating","pid":{},)"
                  R"("bundle":"/run/bundle"}})",
                  container.pid());
  check_complaint(run_hook({"createRuntime"}, state), "open '/run/bundle/config.json': No such");
  std::filesystem::create_directories("/run/bundle");
  std::ofstream("/run/bundle/config.json")
      << R"({"ociVersion":"1.0.2","annotations":{"io.netlend.nic.eth1":"usb:7"}})";
  check_complaint(run_hook({"createRuntime"}, state), "'usb:' is unknown");
  std::ofstream("/run/bundle/config.json") << R"({"ociVersion":"1.0.2"})";
  BOOST_TEST(run_hook({"createRuntime"}, state).exit_code == 0);
  std::filesystem::remove("/run/bundle/config.json");
  ::mkfifo("/run/bundle/config.json", 0600);
  check_complaint(run_hook({"createRuntime"}, state), "'/run/bundle/config.json': parse error");
}

BOOST_AUTO_TEST_CASE(an_engine_without_root_is_told_so_and_nothing_is_tried) {
  const Container container;
  const std::string sentence = "only root can lend the machine's devices";
  for (const char* stage : {"createRuntime", "poststop"}) {
    check_complaint(run_hook({stage}, state_of(container.pid(), kLan0), drop_network_capability),
                    sentence);
    // All capabilities, but those of a user namespace.
    check_complaint(
        run_hook({stage}, state_of(container.pid(), kLan0), become_root_of_a_user_namespace),
        sentence);
  }
  BOOST_TEST(!std::filesystem::exists("/run/netlend"));
}

BOOST_AUTO_TEST_CASE(nothing_of_the_callers_reaches_the_work) {
  RunningHook hook({"createRuntime"}, [] {
    ::chdir("/proc");
    ::umask(0);
    for (int i = 0; i < 100; ++i) ::dup(STDIN_FILENO);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGTERM, &ignore, nullptr);
    ::sigaction(SIGALRM, &ignore, nullptr);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
  });
  // To enter / is the last thing that it does before it reads its input, for which it waits.
  const auto deadline = netlend::monotonic_ms() + kTimeoutMs;
  const std::string proc = fmt::format("/proc/{}", hook.pid());
  while (std::filesystem::read_symlink(proc + "/cwd") != "/") {
    BOOST_REQUIRE(netlend::monotonic_ms() < deadline);
  }
  std::size_t descriptors = 0;
  for (const auto& entry : std::filesystem::directory_iterator(proc + "/fd")) {
    BOOST_TEST(entry.path().filename().string() < "3");
    ++descriptors;
  }
  BOOST_TEST(descriptors == 3U);
  auto status = read_status(hook.pid());
  BOOST_TEST(status["Umask"] == "0077");
  BOOST_TEST(status["SigBlk"] == "0000000000000000");
  BOOST_TEST(status["SigIgn"] == fmt::format("{:016x}", 1U << (SIGPIPE - 1)));
  std::ifstream limits(proc + "/limits");
  const std::string text{std::istreambuf_iterator<char>(limits), {}};
  BOOST_TEST(text.find("Max core file size        0                    0 ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_setuid_copy_of_it_refuses_to_work) {
  // Not /run, which is mounted nosuid.
  std::filesystem::create_directories("/run/setuid");
  check(::mount("tmpfs", "/run/setuid", "tmpfs", 0, "mode=755"), "mount", "/run/setuid");
  const std::string copy = "/run/setuid/netlend-hook";
  std::filesystem::copy_file(kProgram, copy);
  check(::chmod(copy.c_str(), 04755), "chmod", copy);
  RunningHook hook(
      {"createRuntime"},
      [] {
        if (::setresuid(1000, 1000, 1000) == -1) ::_exit(126);
      },
      copy);
  const auto result = hook.wait();
  ::umount2("/run/setuid", MNT_DETACH);
  check_complaint(result, "more privilege than its caller");
}

BOOST_AUTO_TEST_CASE(a_hook_that_hangs_ends_at_its_deadline) {
  RunningHook hook({"createRuntime", "--deadline", "1"});
  check_complaint(hook.wait(), "not done at its deadline");
}

BOOST_AUTO_TEST_CASE(poststop_without_loans_is_done_at_once_and_again) {
  for (int time = 0; time < 2; ++time) {
    const auto result = run_hook(
        {"poststop"}, R"({"ociVersion":"1.0.2","id":"db1","status":"stopped","bundle":"/b"})");
    BOOST_TEST(result.exit_code == 0, result.output);
    BOOST_TEST(result.output == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
