#include "lifecycle/run.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "lifecycle/container_store.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/plan/plan_parse.hpp"
#include "support/own_namespaces.hpp"

using netlend::check;
using netlend::RunOptions;
using netlend::RunResult;

namespace {
/// What `ip` says: here, in tests only, it is the second opinion on what the kernel did.
std::string ip(const std::string& arguments) {
  const netlend::UniqueFd output{check(::memfd_create("ip", MFD_CLOEXEC), "make", "a file")};
  std::vector<std::string> words{"ip"};
  for (const auto word : netlend::split_words(arguments, " ")) words.emplace_back(word);
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = check(::fork(), "fork", "ip");
  if (child == 0) {
    ::dup2(output.get(), STDOUT_FILENO);
    ::execvp("ip", pointers.data());
    ::_exit(127);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "wait for", "ip");
  BOOST_REQUIRE_MESSAGE(status == 0, "ip " << arguments);
  check(::lseek(output.get(), 0, SEEK_SET), "rewind", "a file");
  return netlend::read_all(output.get(), 1024 * 1024UL, "the output of ip");
}

std::string device_at_home(const std::string& name) {
  return ip("-o -d addr show dev " + name) + ip("-o -d link show dev " + name) +
         ip("route show table all dev " + name);
}

struct Home {
  Home() {
    netlend::test::enter_new_netns();
    ip("netns add lan");
    ip("link add lan0 type veth peer name neighbour netns lan");
    ip("-n lan link set neighbour up");
    ip("-n lan addr add 10.77.0.1/24 dev neighbour");
    // No address whose state changes while it is looked at.
    ip("link set lan0 addrgenmode none");
    ip("link set lan0 up mtu 1400 alias lab");
    ip("addr add 192.0.2.7/24 dev lan0");
  }

  void teardown() { ip("netns del lan"); }

  /// Runs it with standard output going to a file; both are returned.
  std::pair<RunResult, std::string> run(const RunOptions& options) {
    const netlend::UniqueFd output{::memfd_create("out", MFD_CLOEXEC)};
    const netlend::UniqueFd saved{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
    ::dup2(output.get(), STDOUT_FILENO);
    auto result = netlend::run(runtime({}), options);
    ::dup2(saved.get(), STDOUT_FILENO);
    for (const auto& failure : result.failures) BOOST_TEST_MESSAGE(failure.what);
    check(::lseek(output.get(), 0, SEEK_SET), "rewind", "a file");
    return {std::move(result), netlend::read_all(output.get(), 1024 * 1024UL, "the output")};
  }

  netlend::Runtime runtime(netlend::StepCallback on_step) {
    return {.lending = {.state = state, .on_step = std::move(on_step)},
            .containers = containers,
            .note = [this](const std::string& note) { notes.push_back(note); }};
  }

  netlend::StateDirectory state;
  netlend::ContainerStore containers{state};
  std::vector<std::string> notes;
};

RunOptions options_for(const std::string& script, const std::vector<std::string>& nics = {}) {
  RunOptions options{.id = netlend::new_container_id(),
                     .plan = {},
                     .command = {"sh", "-c", script},
                     .dns = {},
                     .show = {},
                     .force = netlend::Force::no};
  for (const auto& nic : nics) options.plan.nics.push_back(netlend::parse_nic_spec(nic));
  return options;
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(run, Home)

BOOST_AUTO_TEST_CASE(a_device_is_lent_used_and_home_as_it_was) {
  const auto before = device_at_home("lan0");
  const auto [result, output] = run(
      options_for("cat /sys/class/net/eth0/mtu; ip -o -4 addr show dev eth0 | grep -o "
                  "'10.77.0.2/24'; ip route get 198.51.100.1 | grep -o 'via 10.77.0.1 dev eth0'",
                  {"eth0=lan0 addr=10.77.0.2/24 gw=10.77.0.1"}));
  BOOST_TEST(output == "1400\n10.77.0.2/24\nvia 10.77.0.1 dev eth0\n");
  BOOST_TEST(result.exit_code == 0);
  BOOST_TEST(result.error == "");
  BOOST_TEST(result.failures.empty());
  BOOST_TEST(device_at_home("lan0") == before);
  BOOST_TEST(netlend::list_names(state.ledgers()).empty());
}

BOOST_AUTO_TEST_CASE(it_comes_home_from_a_command_that_fails_is_killed_or_is_not_there) {
  const auto before = device_at_home("lan0");
  const std::vector<std::string> nic{"eth0=lan0"};
  BOOST_TEST(run(options_for("exit 3", nic)).first.exit_code == 3);
  BOOST_TEST(device_at_home("lan0") == before);

  BOOST_TEST(run(options_for("kill -9 $$", nic)).first.exit_code == 137);
  BOOST_TEST(device_at_home("lan0") == before);

  auto absent = options_for("", nic);
  absent.command = {"/home/nosuch"};
  const auto result = run(absent).first;
  BOOST_TEST(result.exit_code == 127);
  BOOST_TEST(result.error ==
             "execute '/home/nosuch': no such file or directory (ENOENT); /root, /home, /run and "
             "/tmp are the "
             "container's own, and --show PATH makes a path of the host's visible there");
  BOOST_TEST(device_at_home("lan0") == before);
}

BOOST_AUTO_TEST_CASE(a_loan_that_fails_runs_nothing_and_changes_nothing) {
  const auto before = device_at_home("lan0");
  BOOST_CHECK_THROW(run(options_for("echo ran > /proc/1/fd/1", {"eth0=lan0", "eth1=nosuch0"})),
                    netlend::Error);
  BOOST_TEST(device_at_home("lan0") == before);
  BOOST_TEST(netlend::list_names(state.ledgers()).empty());
  // The guardian ends when it hears that there is nothing to guard, and nobody else is left.
  while (::wait(nullptr) > 0) {
  }
  BOOST_TEST(errno == ECHILD);
}

BOOST_AUTO_TEST_CASE(without_a_device_a_command_runs_in_an_empty_network) {
  const auto [result, output] = run(options_for("ls /sys/class/net; hostname | wc -c"));
  BOOST_TEST(output == "lo\n13\n");
  BOOST_TEST(result.exit_code == 0);
  BOOST_TEST(notes.empty());
}

BOOST_AUTO_TEST_CASE(a_running_container_is_found_by_its_id_and_no_other_gets_that) {
  const auto outer = options_for("true", {"eth0=lan0"});
  auto second = options_for("true");
  second.id = outer.id;
  bool looked = false;
  const auto look = [&](std::string_view) {
    if (looked) return;
    looked = true;
    BOOST_TEST(netlend::find_container(containers, outer.id).has_value());
    BOOST_CHECK_THROW(run(second), netlend::Error);
  };
  const auto result = netlend::run(runtime(look), outer);
  BOOST_TEST(looked);
  BOOST_TEST(result.exit_code == 0);
  BOOST_TEST(netlend::list_names(state.containers()).empty());
}

BOOST_AUTO_TEST_CASE(a_signal_during_lending_reaches_the_command_when_it_runs) {
  auto options = options_for("while :; do sleep 0.01; done", {"eth0=lan0"});
  const auto before = device_at_home("lan0");
  bool sent = false;
  const auto result = netlend::run(runtime([&](std::string_view) {
                                     if (!sent) ::kill(::getpid(), SIGTERM);
                                     sent = true;
                                   }),
                                   options);
  BOOST_TEST(result.exit_code == 143);
  BOOST_TEST(device_at_home("lan0") == before);
}

BOOST_AUTO_TEST_SUITE_END()
