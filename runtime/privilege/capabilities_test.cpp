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

BOOST_AUTO_TEST_SUITE_END()
