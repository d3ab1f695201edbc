#include "container/cgroup.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <functional>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "container/hierarchy.hpp"
#include "container/spawn.hpp"
#include "support/lab.hpp"

using netlend::Cgroup;
using netlend::check;
using netlend::Hierarchy;
using netlend::oci::DeviceRule;
using netlend::oci::DeviceRuleType;
using netlend::test::error_of;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
namespace unit_test = boost::unit_test;

const std::string kPath = "/netlend/db1";

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not so: " + what);
}

// A process that does what `script` says and waits to be killed. Its first line of output is
// "ready".
struct Inmate {
  explicit Inmate(const Cgroup& cgroup, const std::string& script = ":") {
    std::array<int, 2> start{};
    std::array<int, 2> ready{};
    check(::pipe2(start.data(), O_CLOEXEC), "make", "a pipe");
    check(::pipe2(ready.data(), O_CLOEXEC), "make", "a pipe");
    const netlend::UniqueFd go{start[1]};
    const netlend::UniqueFd wait{start[0]};
    netlend::UniqueFd output{ready[1]};
    const netlend::UniqueFd input{ready[0]};
    const std::string text = script + "; echo ready; sleep 1000 & sleep 1000";
    process = netlend::spawn(0, [&] {
      char byte = 0;
      if (::read(wait.get(), &byte, 1) != 1) return 1;
      ::dup2(output.get(), STDOUT_FILENO);
      ::execl("/bin/sh", "sh", "-c", text.c_str(), nullptr);
      return 1;
    });
    output.reset();
    cgroup.add(process.pid);
    check(::write(go.get(), "g", 1), "start", "the inmate");
    std::string said(6, '\0');
    check(::read(input.get(), said.data(), said.size()), "hear", "the inmate");
    expect(said == "ready\n", "the inmate is ready");
  }
  ~Inmate() {
    ::kill(process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
  }
  Inmate(const Inmate&) = delete;
  Inmate& operator=(const Inmate&) = delete;

  netlend::Spawned process;
};

Cgroup make(const std::vector<DeviceRule>& rules = {}) {
  auto cgroup = Cgroup::make(Cgroup::plan(kPath), {.devices = rules});
  expect(cgroup.has_value(), "a cgroup is made");
  return *std::move(cgroup);
}

void expect_no_failures(const netlend::Failures& failures) {
  for (const auto& failure : failures) throw std::runtime_error(failure.what);
}

// Whether a script that runs in the cgroup succeeds.
bool run_inside(const Cgroup& cgroup, const std::string& script) {
  const auto child = netlend::spawn(0, [&] {
    cgroup.add(::getpid());
    const netlend::UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    ::dup2(null.get(), STDERR_FILENO);
    ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
    return 127;
  });
  int status = 0;
  check(::waitpid(child.pid, &status, 0), "wait for", script);
  return status == 0;
}

// A node of a device that root can open everywhere and that is none of the default ones: kmsg.
struct ForeignDevice {
  ForeignDevice() { sh("mknod /dev/foreign c 1 11"); }
  ~ForeignDevice() { ::unlink("/dev/foreign"); }
  ForeignDevice(const ForeignDevice&) = delete;
  ForeignDevice& operator=(const ForeignDevice&) = delete;
};

void a_process_is_in_it_in_every_hierarchy() {
  const auto cgroup = make();
  const Inmate inmate{cgroup};
  const auto hierarchies = Hierarchy::all();
  expect(!hierarchies.empty(), "there are hierarchies");
  expect(cgroup.record().made.size() == hierarchies.size(), "it is made in each");
  const auto groups = sh("cat /proc/" + std::to_string(inmate.process.pid) + "/cgroup") + '\n';
  for (const auto& hierarchy : hierarchies) {
    expect(groups.find(':' + hierarchy.name() + ":/netlend/db1\n") != std::string::npos,
           "hierarchy '" + hierarchy.name() + "' has it, in " + groups);
  }
  expect_no_failures(cgroup.kill_all());
  expect_no_failures(cgroup.remove());
}

void all_in_it_and_below_are_killed_and_it_is_removed() {
  const auto cgroup = make();
  const Inmate inmate{cgroup,
                      "for g in /sys/fs/cgroup/netlend/db1 /sys/fs/cgroup/*/netlend/db1; do "
                      "test -d $g && mkdir -p $g/a/b && "
                      "{ test -e $g/cpuset.cpus || echo 0 >$g/a/b/cgroup.procs; }; done"};
  const auto inside = cgroup.processes();
  expect(std::count(inside.begin(), inside.end(), inmate.process.pid) == 1, "it is listed");
  expect_no_failures(cgroup.kill_all());
  expect(cgroup.processes().empty(), "nobody is left");
  expect(!netlend::is_alive(inmate.process.pidfd.get()), "it is dead");
  expect(cgroup.exists(), "the cgroup is there");
  expect_no_failures(cgroup.remove());
  expect(!cgroup.exists(), "the cgroup is gone");
  expect_no_failures(cgroup.kill_all());
  expect_no_failures(cgroup.remove());
}

void one_that_is_found_again_by_its_record_is_the_same() {
  const auto record = make().record();
  const Cgroup again{record};
  expect(again.exists(), "it exists");
  expect_no_failures(again.remove());
  expect(!again.exists(), "it is gone");
}

void a_running_containers_cgroup_is_not_given_to_another() {
  const auto cgroup = make();
  {
    const Inmate inmate{cgroup};
    const auto error = error_of([] { make(); });
    expect(error ==
               "make cgroup '/netlend/db1': processes run in it already; choose another "
               "linux.cgroupsPath",
           error);
    expect(netlend::is_alive(inmate.process.pidfd.get()), "its process lives");
    expect_no_failures(cgroup.kill_all());
  }
  const auto second = make();
  expect(second.record() == cgroup.record(), "a rest without processes is made anew");
  expect_no_failures(second.remove());
}

void an_administrators_cgroup_stays() {
  for (const auto& hierarchy : Hierarchy::all()) hierarchy.make("/machine/db");
  const auto cgroup = Cgroup::make(Cgroup::plan("/machine/db"), {});
  expect(cgroup.has_value() && cgroup->record().made.empty(), "nothing was made");
  expect_no_failures(cgroup->remove());
  expect(cgroup->exists(), "it is there");
  for (const auto& hierarchy : Hierarchy::all()) hierarchy.remove("/machine");
}

void a_container_has_the_default_devices_and_no_others() {
  const auto cgroup = make({{.allow = false}});
  const ForeignDevice foreign;
  expect(run_inside(cgroup, "echo x >/dev/null && head -c 1 /dev/zero >/dev/full; test $? = 1"),
         "null, zero and full work");
  expect(run_inside(cgroup, "mknod /dev/other b 7 300; rm /dev/other"), "nodes can be made");
  expect(succeeds(": </dev/foreign"), "outside it can be opened");
  expect(!run_inside(cgroup, ": </dev/foreign"), "inside it can't");
  expect_no_failures(cgroup.remove());
}

void a_device_is_allowed_to_be_what_its_rule_says() {
  const auto cgroup = make({{.allow = false},
                            {.allow = true,
                             .type = DeviceRuleType::character,
                             .major = 1,
                             .minor = 11,
                             .access = netlend::oci::kDeviceRead}});
  const ForeignDevice foreign;
  expect(run_inside(cgroup, ": </dev/foreign"), "it can be read");
  expect(!run_inside(cgroup, ": >/dev/foreign"), "it can't be written");
  expect(!run_inside(cgroup, ": <>/dev/foreign"), "nor both");
  expect_no_failures(cgroup.remove());
}

void a_later_rule_overrides_an_earlier_one() {
  const DeviceRule all{.allow = true};
  const DeviceRule none{.allow = false, .type = DeviceRuleType::character, .major = 1, .minor = 11};
  const ForeignDevice foreign;
  const auto without = make({all, none});
  expect(!run_inside(without, ": </dev/foreign"), "the second rule counts");
  expect_no_failures(without.remove());
  const auto with = make({none, all});
  expect(run_inside(with, ": <>/dev/foreign"), "the second rule counts");
  expect_no_failures(with.remove());
}

void a_thousand_rules_can_be_set() {
  std::vector<DeviceRule> rules;
  for (std::uint32_t major = 200; major < 1200; ++major) {
    rules.push_back(
        {.allow = true, .type = DeviceRuleType::character, .major = major, .minor = major % 3});
  }
  expect_no_failures(make(rules).remove());
}

void a_container_that_asks_for_nothing_needs_no_cgroup() {
  sh("mount -o remount,bind,ro /sys/fs/cgroup; for h in /sys/fs/cgroup/*; do "
     "mountpoint -q $h && mount -o remount,bind,ro $h; done; true");
  expect(!Cgroup::make(Cgroup::plan(kPath), {}).has_value(), "it runs without");
  const std::string error = error_of([] {
    static_cast<void>(Cgroup::make(Cgroup::plan(kPath), {.devices = {{.allow = false}}}));
  });
  expect(error ==
             "/linux/resources/devices: no cgroup '/netlend/db1' that controls devices can be "
             "made below /sys/fs/cgroup; mount it writable, or leave the rules out",
         error);
}

// Each of them is a case in each layout of /sys/fs/cgroup, which is the tests' own
// (support/own_cgroups.hpp).

struct Case {
  const char* name;
  void (*run)();
};
constexpr std::array kCases{
    Case{"a_process_is_in_it_in_every_hierarchy", a_process_is_in_it_in_every_hierarchy},
    Case{"all_in_it_and_below_are_killed_and_it_is_removed",
         all_in_it_and_below_are_killed_and_it_is_removed},
    Case{"one_that_is_found_again_by_its_record_is_the_same",
         one_that_is_found_again_by_its_record_is_the_same},
    Case{"a_running_containers_cgroup_is_not_given_to_another",
         a_running_containers_cgroup_is_not_given_to_another},
    Case{"an_administrators_cgroup_stays", an_administrators_cgroup_stays},
    Case{"a_container_has_the_default_devices_and_no_others",
         a_container_has_the_default_devices_and_no_others},
    Case{"a_device_is_allowed_to_be_what_its_rule_says",
         a_device_is_allowed_to_be_what_its_rule_says},
    Case{"a_later_rule_overrides_an_earlier_one", a_later_rule_overrides_an_earlier_one},
    Case{"a_thousand_rules_can_be_set", a_thousand_rules_can_be_set},
    Case{"a_container_that_asks_for_nothing_needs_no_cgroup",
         a_container_that_asks_for_nothing_needs_no_cgroup},
};

void hide_version_2() { sh("umount /sys/fs/cgroup/unified"); }

void hide_version_1() {
  sh("mkdir -p /run/unified && mount --move /sys/fs/cgroup/unified /run/unified; "
     "umount -R /sys/fs/cgroup; mount --move /run/unified /sys/fs/cgroup");
}

struct Layout {
  const char* suite;
  bool version_1;
  bool version_2;
};
constexpr std::array kLayouts{Layout{"cgroup_1", true, false}, Layout{"cgroup_2", false, true},
                              Layout{"cgroup_1_and_2", true, true}};

Layout layout_of_machine() {
  Layout machine{"", false, false};
  for (const auto& hierarchy : Hierarchy::all()) {
    (hierarchy.is_version_2() ? machine.version_2 : machine.version_1) = true;
  }
  return machine;
}

boost::test_tools::assertion_result is_possible(const Layout& layout) {
  const auto machine = layout_of_machine();
  boost::test_tools::assertion_result result{(machine.version_1 || !layout.version_1) &&
                                             (machine.version_2 || !layout.version_2)};
  result.message() << "the machine has not both versions of cgroups";
  return result;
}

void arrange(const Layout& layout) {
  const auto machine = layout_of_machine();
  if (machine.version_1 && !layout.version_1) hide_version_1();
  if (machine.version_2 && !layout.version_2) hide_version_2();
}

// In a child with a mount namespace of its own, for the arrangement. What it finds wrong it throws.
void run_in(const Layout& layout, const Case& test) {
  const auto child = netlend::spawn(CLONE_NEWNS, [&] {
    try {
      arrange(layout);
      test.run();
      return 0;
    } catch (const std::exception& error) {
      ::dprintf(STDERR_FILENO, "%s\n", error.what());
      return 1;
    }
  });
  int status = 0;
  check(::waitpid(child.pid, &status, 0), "wait for", test.name);
  BOOST_TEST(status == 0);
}

// As Boost.Test's own macros register cases: before main.
struct Registration {
  Registration() {
    for (const auto& layout : kLayouts) {
      auto* suite = BOOST_TEST_SUITE(layout.suite);
      suite->add_precondition([&layout](unit_test::test_unit_id) { return is_possible(layout); });
      for (const auto& test : kCases) {
        suite->add(unit_test::make_test_case([&layout, &test] { run_in(layout, test); }, test.name,
                                             __FILE__, __LINE__));
      }
      unit_test::framework::master_test_suite().add(suite);
    }
  }
};
const Registration kRegistration;
}  // namespace

BOOST_AUTO_TEST_SUITE(cgroup)

BOOST_AUTO_TEST_CASE(a_path_is_absolute_or_below_netlend) {
  const netlend::ContainerId id{"db1"};
  BOOST_TEST(netlend::cgroup_path({}, id) == "/netlend/db1");
  BOOST_TEST(netlend::cgroup_path("pod/db", id) == "/netlend/pod/db");
  BOOST_TEST(netlend::cgroup_path("/machine/db", id) == "/machine/db");
}

BOOST_AUTO_TEST_CASE(where_a_rule_can_not_be_set_nothing_is_left_behind,
                     *unit_test::precondition([](unit_test::test_unit_id) {
                       return is_possible(kLayouts[0]);
                     })) {
  const DeviceRule wide{.allow = true, .type = DeviceRuleType::character, .major = 10};
  const DeviceRule narrow{
      .allow = false, .type = DeviceRuleType::character, .major = 10, .minor = 229};
  const auto error = error_of([&] { make({wide, narrow}); });
  BOOST_TEST(error.starts_with("/linux/resources/devices: cgroup version 1 can't deny 'c 10:229"));
  BOOST_TEST(!Cgroup({.path = kPath, .made = {}}).exists());
}

BOOST_AUTO_TEST_SUITE_END()
