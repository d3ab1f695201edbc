#include "net/policy/asker.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/policy/policy.hpp"

using netlend::Asker;
using netlend::ContainerId;
using netlend::Error;
using netlend::identify_process;
using netlend::LinkState;
using netlend::observe_asker;
using netlend::own_cgroup;
using netlend::parse_configuration;
using netlend::parse_nic_spec;
using netlend::Policy;

namespace {
const ContainerId kDb1{"db1"};
}

BOOST_AUTO_TEST_SUITE(askers)

BOOST_AUTO_TEST_CASE(the_cgroup_is_the_one_that_all_hierarchies_but_their_roots_agree_on) {
  BOOST_TEST(own_cgroup("0::/lan.slice/db1.scope\n").value() == "/lan.slice/db1.scope");
  BOOST_TEST(own_cgroup("9:name=systemd:/db1\n4:memory:/db1\n0::/\n").value() == "/db1");
  BOOST_TEST(own_cgroup("2:cpu,cpuacct:/a:b\n0::/a:b\n").value() == "/a:b");
  for (const char* text : {"", "0::/\n", "1:cpu:/\n0::/\n", "4:memory:/db1\n0::/db2\n", "0:/db1\n",
                           "0::/../db1\n", "0::/..\n", "4:memory:/..\n0::/db1\n"}) {
    BOOST_TEST(!own_cgroup(text), text);
  }
}

BOOST_AUTO_TEST_CASE(a_bundle_is_known_by_where_its_symlinks_lead) {
  namespace fs = std::filesystem;
  fs::create_directories("/run/askers/bundle");
  fs::create_directory_symlink("bundle", "/run/askers/link");
  const auto self = identify_process(::getpid());
  const auto bundle = [&](const char* path) { return observe_asker(kDb1, self, path).bundle; };
  BOOST_TEST(bundle("/run/askers/bundle/").value_or("") == "/run/askers/bundle");
  BOOST_TEST(bundle("/run/askers/link").value_or("") == "/run/askers/bundle");
  BOOST_TEST(bundle("/run/askers/bundle/../link").value_or("") == "/run/askers/bundle");
  BOOST_TEST(!bundle("/run/askers/nowhere"));
  fs::remove_all("/run/askers");
}

BOOST_AUTO_TEST_CASE(who_has_ended_asks_for_nothing) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  const auto process = identify_process(pid);
  BOOST_TEST(observe_asker(kDb1, process, "/").id.str() == "db1");
  ::kill(pid, SIGKILL);
  ::waitid(P_PID, static_cast<id_t>(pid), nullptr, WEXITED | WNOWAIT);
  BOOST_CHECK_THROW(observe_asker(kDb1, process, "/"), Error);
  ::waitpid(pid, nullptr, 0);
  BOOST_CHECK_THROW(observe_asker(kDb1, process, "/"), Error);
}

BOOST_AUTO_TEST_CASE(a_rule_can_be_for_some_places_in_the_cgroups_and_for_some_bundles) {
  LinkState device;
  device.name = "lan0";
  const auto allows_asker = [&](const std::string& facts, const Asker& asker) {
    const std::string rule = R"({"device":"lan0",)" + facts + "}";
    const Policy policy{parse_configuration(R"({"netlend":1,"allow":[)" + rule + "]}").rules};
    try {
      policy.check(asker, {{parse_nic_spec("eth0=lan0"), &device}});
    } catch (const Error&) {
      return false;
    }
    return true;
  };
  const Asker db1{
      .id = ContainerId{"db1"}, .cgroup = "/lan.slice/db1.scope", .bundle = "/srv/bundles/db1"};
  for (const char* facts :
       {R"("cgroup":"/lan.slice/*")", R"("cgroup":"*.scope")", R"("bundle":"/srv/*")",
        R"("cgroup":"/lan.slice/db1.scope","bundle":"/srv/bundles/db1","to":"db1")"}) {
    BOOST_TEST(allows_asker(facts, db1), facts);
    BOOST_TEST(!allows_asker(facts, {ContainerId{"db1"}}), facts);
  }
  for (const char* facts : {R"("cgroup":"/lan.slice")", R"("cgroup":"/lan.slice/?")",
                            R"("bundle":"/srv")", R"("cgroup":"/lan.slice/*","bundle":"/srv/db*")",
                            R"("cgroup":"/lan/*","bundle":"/srv/bundles/*")",
                            R"("cgroup":"/lan.slice/*","to":"db2")"}) {
    BOOST_TEST(!allows_asker(facts, db1), facts);
  }
}

BOOST_AUTO_TEST_CASE(the_command_for_an_id_that_was_made_up_goes_by_the_cgroup) {
  LinkState device;
  device.name = "lan0";
  const std::string id(64, 'a');
  const auto refusal_of = [&](const std::string& rules, const Asker& asker) -> std::string {
    const Policy policy{parse_configuration(R"({"netlend":1,"allow":[)" + rules + "]}").rules};
    try {
      policy.check(asker, {{parse_nic_spec("eth0=lan0"), &device}});
    } catch (const Error& error) {
      return error.what();
    }
    return "allowed";
  };
  const auto command = [&](const std::optional<std::string>& cgroup) {
    const auto text = refusal_of("", {.id = ContainerId{id}, .cgroup = cgroup});
    return text.substr(text.find("type: ") + 6);
  };
  const std::string rest = " --inside 'eth0' --address none";
  BOOST_TEST(command("/libpod_parent/libpod-" + id) ==
             "netlend allow 'lan0' --cgroup '/libpod_parent/libpod-*'" + rest);
  BOOST_TEST(command("/machine.slice/machine-libpod_pod_" + std::string(64, 'b') +
                     ".slice/libpod-" + id + ".scope") ==
             "netlend allow 'lan0' --cgroup "
             "'/machine.slice/machine-libpod_pod_*.slice/libpod-*.scope'" +
                 rest);
  BOOST_TEST(command("/a*'$(reboot)/0" + id) ==
             "netlend allow 'lan0' --cgroup '/a[*][!0-9A-Za-z._@-]$(reboot)/0" + id + "'" + rest);
  BOOST_TEST(command(std::nullopt) == "netlend allow 'lan0'" + rest);
  const std::string elsewhere = R"({"device":"lan0","cgroup":"/lan/*"})";
  BOOST_TEST(refusal_of(elsewhere, {.id = ContainerId{"db1"}, .cgroup = "/lan\n1"}) ==
             "lend 'lan0' to container 'db1': no rule in /etc/netlend lets an annotation ask for "
             "it from cgroup '/lan\\x0a1' and bundle (none); if it may, type: netlend allow 'lan0' "
             "--to 'db1'" +
                 rest);
  BOOST_TEST(refusal_of(elsewhere, {ContainerId{"db1"}})
                 .find("it from cgroup (none of its own) and bundle (none); if") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
