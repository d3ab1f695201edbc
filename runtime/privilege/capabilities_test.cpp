#include "privilege/capabilities.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <functional>

#include "base/syscall.hpp"

namespace {
/// The exit code of a child that runs `work`: what it drops can't be taken up again here.
int exit_code_in_child(const std::function<int()>& work) {
  const pid_t child = netlend::check(::fork(), "fork", "a test");
  if (child == 0) ::_exit(work());
  int status = 0;
  netlend::check(::waitpid(child, &status, 0), "wait for", "a test");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Exits 0 if every line of the shell's /proc/self/status is as `script` expects.
int run_shell(const char* script) {
  ::execl("/bin/sh", "sh", "-c", script, nullptr);
  return 127;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(capabilities)

BOOST_AUTO_TEST_CASE(an_executed_program_has_the_default_set_and_no_way_to_more) {
  const int code = exit_code_in_child([] {
    netlend::limit_capabilities(netlend::kDefaultCapabilities);
    netlend::set_no_new_privileges();
    // chown, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot
    return run_shell(
        "check() { grep -qE \"^$1:[[:space:]]*$2\\$\" /proc/self/status || exit $3; }\n"
        "check CapInh 0000000000000000 1; check CapPrm 00000000000425f9 2\n"
        "check CapEff 00000000000425f9 3; check CapBnd 00000000000425f9 4\n"
        "check CapAmb 0000000000000000 5; check NoNewPrivs 1 6");
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(an_empty_set_leaves_nothing) {
  const int code = exit_code_in_child([] {
    netlend::limit_capabilities({});
    return run_shell(
        "grep -q 'CapEff:.*0000000000000000' /proc/self/status && "
        "grep -q 'CapBnd:.*0000000000000000' /proc/self/status");
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(what_the_caller_lacks_is_left_out_without_an_error) {
  const int code = exit_code_in_child([] {
    constexpr std::array kFew{CAP_SETPCAP, CAP_KILL};
    netlend::limit_capabilities(kFew);
    netlend::limit_capabilities(netlend::kDefaultCapabilities);
    return run_shell("grep -q 'CapEff:.*0000000000000120' /proc/self/status");
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(another_user_has_exactly_the_sets_that_it_is_given) {
  const int code = exit_code_in_child([] {
    constexpr std::uint64_t kKill = std::uint64_t{1} << CAP_KILL;
    constexpr std::uint64_t kChown = std::uint64_t{1} << CAP_CHOWN;
    constexpr std::uint64_t kUnknown = std::uint64_t{1} << 60U;
    netlend::become({.uid = 1000, .gid = 1001, .groups = {7, 8}},
                    {.bounding = kKill | kChown | kUnknown,
                     .effective = kKill,
                     .permitted = kKill | kUnknown,
                     .inheritable = kKill,
                     .ambient = kKill});
    return run_shell(
        "check() { grep -qE \"^$1:[[:space:]]*$2\\$\" /proc/self/status || exit $3; }\n"
        "check CapInh 0000000000000020 1; check CapPrm 0000000000000020 2\n"
        "check CapEff 0000000000000020 3; check CapBnd 0000000000000021 4\n"
        "check CapAmb 0000000000000020 5; check Groups '7 8 ' 6\n"
        "[ \"$(id -u):$(id -g)\" = 1000:1001 ]");
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(a_capability_has_the_name_of_the_manual) {
  BOOST_TEST(netlend::capability_name(CAP_NET_RAW) == "CAP_NET_RAW");
}

BOOST_AUTO_TEST_SUITE_END()
