#include <fmt/core.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "oci-hook/hook_fixture.hpp"
#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

namespace fs = std::filesystem;

using netlend::test::Container;
using netlend::test::run_hook;
using netlend::test::RunningHook;
using netlend::test::sh;
using netlend::test::state_of;
using netlend::test::StateWords;

namespace {
const std::string kConfiguration = "/etc/netlend/netlend.conf";
const std::string kAllowed = R"("io.netlend.nic.eth1":"lan0 addr=10.77.0.2/24")";

// lan0 may be borrowed, wan0 may not.
const std::string kRules = R"({"netlend": 1, "allow": [
  {"device": "dev:lan0", "to": "db1", "bundle": "/run/bundles/*", "inside": "eth*",
   "addresses": ["10.77.0.0/24"]},
  {"device": "driver:netlend*", "to": "db*"},
  {"device": "dev:up0", "to": "db1", "bundle": "/run/bundles/*"},
  {"device": "dev:lan1", "cgroup": "/lan/*"},
  {"veth": true, "to": "db1", "bridge": "br0", "addresses": ["10.78.0.0/24"]}
]})";

/// Of the hierarchy that the cases make cgroups in.
std::string cgroup_folder() {
  return fs::exists("/sys/fs/cgroup/cgroup.procs") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
}

std::string count_devices() { return sh("ip -o link show | wc -l"); }

void put_in_cgroup(pid_t pid, const std::string& cgroup) {
  fs::create_directories(cgroup_folder() + cgroup);
  std::ofstream(cgroup_folder() + cgroup + "/cgroup.procs") << pid;
}

void write_configuration(const std::string& text) {
  std::ofstream(kConfiguration) << text;
  fs::permissions(kConfiguration, fs::perms{0644});
}

/// Two devices, a bundle and rules. /run and, from the first one on, /etc are this program's own.
class Machine {
 public:
  Machine() {
    netlend::test::enter_new_netns();
    sh("[ -e /run/etc ] || { cp -a /etc /run/etc && mount --bind /run/etc /etc; }");
    sh("rm -rf /etc/netlend && mkdir -p -m 755 /etc/netlend /run/bundles/db1 /run/elsewhere");
    sh("echo '{\"ociVersion\": \"1.0.2\"}' > /run/bundles/db1/config.json");
    sh("ln -sfn /run/elsewhere /run/bundles/link");
    for (const std::string name : {"lan0", "wan0", "lan1", "up0"}) {
      sh(fmt::format("ip link add {} type veth peer name p-{}", name, name));
    }
    sh("ip link set wan0 address 02:00:00:00:00:0b");
    sh("ip link property add dev wan0 altname uplink altname lan0-too");
    sh("ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up && ip link set p-up0 up");
    sh("ip route add default via 192.0.2.254 dev up0");
    sh("ip link add br0 type bridge && ip link add br1 type bridge");
    write_configuration(kRules);
    devices = count_devices();
  }
  ~Machine() { fs::remove_all("/etc/netlend"); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  Machine(Machine&&) = delete;
  Machine& operator=(Machine&&) = delete;

  RunningHook::Result ask(const std::string& annotations,
                          StateWords words = {.bundle = kBundle}) const {
    words.annotations = annotations;

    return run_hook({"createRuntime"}, state_of(container.pid(), words));
  }
  RunningHook::Result ask_as(const std::string& id, const std::string& bundle) const {
    return ask(kAllowed, {.id = id, .bundle = bundle, .annotations = {}});
  }
  /// That a request was refused with one line that has this part, and that nothing came of it.
  void check_refused(const RunningHook::Result& result, const std::string& part) const {
    netlend::test::check_complaint(result, part);
    BOOST_TEST(count_devices() == devices, result.output);
    for (const char* folder : {"ledgers", "devices", "pins", "staging"}) {
      const auto path = std::string("/run/netlend/") + folder;
      BOOST_TEST((!fs::exists(path) || fs::is_empty(path)), path);
    }
  }
  /// Else the cases would prove nothing.
  void check_allowed() const {
    const auto result = ask(kAllowed);
    BOOST_TEST(result.exit_code == 0, result.output);
    BOOST_TEST(!netlend::test::succeeds("ip link show lan0"));
    const auto back = run_hook({"poststop"}, state_of(container.pid(), {.bundle = kBundle}));
    BOOST_TEST(back.exit_code == 0, back.output);
    BOOST_TEST(netlend::test::succeeds("ip link show lan0"));
  }

  static constexpr const char* kBundle = "/run/bundles/db1";
  const Container container;
  std::string devices;
};

std::string nic(const std::string& words, const std::string& inside = "eth1") {
  return fmt::format("{}:{}", nlohmann::json("io.netlend.nic." + inside).dump(),
                     nlohmann::json(words).dump());
}

std::string plan(const std::string& text) {
  return "\"io.netlend.plan\":" + nlohmann::json(text).dump();
}

struct Request {
  std::string annotations;
  /// Of the refusal.
  std::string part;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(refused_requests)

BOOST_FIXTURE_TEST_CASE(no_name_of_another_device_gets_it, Machine) {
  const std::string index = std::to_string(::if_nametoindex("wan0"));
  const std::string wan0 = "lend 'wan0' to container 'db1': no rule in /etc/netlend lets";
  for (const auto& [annotations, part] : std::vector<Request>{
           {nic("wan0"), wan0},
           {nic("dev:wan0"), wan0},
           {nic("alt:uplink"), wan0},
           {nic("alt:lan0-too"), wan0},
           {nic("mac:02:00:00:00:00:0b"), wan0},
           {nic("mac:02:00:00:00:00:0B"), wan0},
           {nic("mac:02-00-00-00-00-0b"), "'02-00-00-00-00-0b' is not a MAC"},
           {nic("pci:0000:00:1f.6"), "there is no device '0000:00:1f.6' here"},
           {nic("lan0-too"), "'lan0-too' is an altname of device 'wan0'"},
           {nic(index), fmt::format("there is no device '{}' here", index)},
           {nic("if:" + index), "'if:' is unknown"},
           {nic("driver:veth"), "'driver:' is unknown"},
           {nic("lan0@p-lan0"), "there is no device 'lan0@p-lan0' here"},
           {nic("LAN0"), "there is no device 'LAN0' here"},
           {nic("l\u0430n0"), "there is no device 'l\\xd0\\xb0n0' here"},
           {nic("lan0\u200b"), "there is no device 'lan0\\xe2\\x80\\x8b' here"},
           {nic("lan*"), "there is no device 'lan*' here"},
           {nic("lan%d"), "device name 'lan%d'"},
           {nic("lan0/../wan0"), "device name 'lan0/../wan0'"},
           {nic("/sys/class/net/lan0"), "device name '/sys/class/net/lan0'"},
           {nic("lo"), "is the loopback device"},
           {nic("br0"), "device 'br0' "},
           {nic("lan0\nwan0"), "word 'wan0': unknown"},
           {plan(R"({"netlend":1,"nics":[{"inside":"eth1","source":"lan0 "}]})"),
            "device name 'lan0 '"},
           {plan(R"({"netlend":1,"nics":[{"inside":"eth1","source":"lan0\nwan0"}]})"),
            "device name 'lan0\\x0awan0'"},
           {plan(R"({"netlend":1,"nics":[{"inside":"eth1","source":"wan0"}]})"), wan0},
           {kAllowed + "," + nic("wan0", "eth2"), wan0},
           {nic("up0"), "it carries a default route of this machine"},
       }) {
    check_refused(ask(annotations), part);
  }
  check_allowed();
}

BOOST_FIXTURE_TEST_CASE(no_words_around_an_allowed_device_get_more_than_its_rule_has, Machine) {
  const std::string rule = "no rule in /etc/netlend lets an annotation ask for it";
  for (const auto& [annotations, part] : std::vector<Request>{
           {nic("lan0 addr=10.77.0.2/24", "wlan0"), rule},
           {nic("lan0 addr=10.77.0.2/24", "Eth1"), rule},
           {nic("lan0 addr=10.77.0.2/24 as=wlan0"), rule},
           {nic("lan0 addr=10.77.0.2/24", "eth%d"), "device name 'eth%d'"},
           {nic("lan0 addr=10.77.0.2/24", "eth1/../lo"), "device name 'eth1/../lo'"},
           {nic("lan0 addr=10.77.0.2/24", ""), "device name ''"},
           {nic("lan0 addr=10.77.1.2/16"), rule + " with these addresses"},
           {nic("lan0 addr=10.77.0.2/24 addr=10.78.0.2/24"), rule + " with these addresses"},
           {nic("lan0 addr=2001:db8::2/64"), rule + " with these addresses"},
           {nic("lan0 keep=addresses"), rule + " with these addresses"},
           {nic("lan0 addr=::ffff:10.77.0.2/120"), "an IPv4 address written as IPv6"},
           {nic("lan0 addr=10.77.0.2/0"), "makes every address a neighbour"},
           {nic("lan0 addr=127.0.0.1/8"), "a loopback address"},
           {nic("lan0 addr=0x0a.77.0.2/24"), "'0x0a.77.0.2' is not an IPv4"},
           {nic("lan0 addr=10.77.0.2/24 gw=10.78.0.1"), "no address of the device has it"},
           {nic("lan0 addr=10.77.0.2/24 route=0.0.0.0/0@10.77.0.1"), "is the default route"},
           {nic("lan0 addr=10.77.0.2/24 route=10.9.0.0/16@10.78.0.1"), "no address of the device"},
           {nic("lan0 addr=10.77.0.2/24 gw=10.77.0.1 gw=10.77.0.9"), "second of its IP family"},
           {nic("lan0 --force"), "word '--force': unknown"},
           {nic("lan0 force=yes"), "word 'force=yes': unknown"},
           {nic("lan0 bridge=br0"), "only for a pair"},
           {"\"io.netlend.force\":\"yes\"," + kAllowed,
            "known are io.netlend.nic.INSIDE, io.netlend.l3"},
           {R"("io.netlend.allow":"lan0",)" + kAllowed,
            "known are io.netlend.nic.INSIDE, io.netlend.l3"},
           {fmt::format("{},{}", kAllowed, kAllowed), "is there twice"},
           {kAllowed + "," + nic("dev:lan0", "eth2"), "device 'lan0' is wanted twice"},
           {kAllowed + "," + plan(R"({"netlend":1,"nics":[{"inside":"eth1","source":"lan1"}]})"),
            "two devices are to be 'eth1' inside"},
           {plan("/etc/netlend/plan.json"), "not its path"},
           {plan(R"({"netlend":1,"force":true,"nics":[{"inside":"eth1","source":"lan0"}]})"),
            "/force: unknown"},
           {plan(R"({"netlend":1,"allow":[{"device":"*"}],"nics":[]})"), "/allow: unknown"},
           {plan(R"({"netlend":2,"nics":[{"inside":"eth1","source":"lan0"}]})"), "version 1"},
           {nic("veth: bridge=br0 addr=10.77.0.2/24"), rule + " with these addresses"},
           {nic("veth: bridge=br1"), rule},
           {nic("veth:lan0-host bridge=br0"), rule},
           {nic("veth: bridge=br0 host-addr=10.78.0.1/24"), rule},
       }) {
    check_refused(ask(annotations), part);
  }
  check_allowed();
}

BOOST_FIXTURE_TEST_CASE(nobody_who_is_like_the_one_that_may_gets_it, Machine) {
  const std::string rule = "no rule in /etc/netlend lets an annotation ask for it";
  for (const char* id : {"db", "db10", "DB1", "xdb1", "db1.", "db1-db1", "+db1"}) {
    check_refused(ask_as(id, kBundle), rule + "; if it may");
  }
  for (const char* id : {"db*", "db?", "db[1]", "db1 ", " db1", "../db1", "db1/x", "", ".db1",
                         "d\u04321", R"(db1\n)"}) {
    check_refused(ask_as(id, kBundle), "/id: container id '");
  }
  check_refused(ask_as("db1\\u0000", kBundle), "/id: a NUL in a string");
  const std::string place = rule + " from cgroup (none of its own) and bundle ";
  check_refused(ask_as("db1", "/run/bundles"), place + "'/run/bundles'");
  check_refused(ask_as("db1", "/run/elsewhere"), place + "'/run/elsewhere'");
  check_refused(ask_as("db1", "/run/bundles/link"), place + "'/run/elsewhere'");
  check_refused(ask_as("db1", "/run/bundles/db1/../../elsewhere"), place + "'/run/elsewhere'");
  check_refused(ask_as("db1", "/run/bundles/nowhere"), place + "(none)");
  check_refused(ask_as("db1", "run/bundles/db1"), "/bundle: ");
  check_allowed();
}

BOOST_FIXTURE_TEST_CASE(no_cgroup_but_the_one_that_it_is_in_counts, Machine) {
  const auto ask_for_lan1 = [&] { return ask(nic("lan1")); };
  const std::string rule =
      "lend 'lan1' to container 'db1': no rule in /etc/netlend lets an "
      "annotation ask for it from cgroup ";
  check_refused(ask_for_lan1(), rule + "(none of its own)");
  for (const char* cgroup : {"/lan", "/lan2", "/x/lan/db1", "/LAN/db1"}) {
    put_in_cgroup(container.pid(), cgroup);
    check_refused(ask_for_lan1(), rule + "'" + cgroup + "'");
  }
  put_in_cgroup(container.pid(), "/lan/../dmz");
  check_refused(ask_for_lan1(), rule + "'/dmz'");
  // What config.json says of it is the bundle's author's.
  sh("echo '{\"ociVersion\":\"1.0.2\",\"linux\":{\"cgroupsPath\":\"/lan/db1\"}}' >"
     " /run/bundles/db1/config.json");
  check_refused(ask_for_lan1(), rule + "'/dmz'");
  put_in_cgroup(container.pid(), "/lan/db1");
  const auto result = ask_for_lan1();
  BOOST_TEST(result.exit_code == 0, result.output);
  BOOST_TEST(run_hook({"poststop"}, state_of(container.pid(), {.bundle = kBundle})).exit_code == 0);
}

BOOST_FIXTURE_TEST_CASE(a_device_that_another_container_has_is_refused_to_all_others, Machine) {
  write_configuration(R"({"netlend":1,"allow":[{"device":"lan0"}]})");
  const Container other;
  const StateWords words{.id = "other", .bundle = kBundle, .annotations = kAllowed};
  BOOST_TEST(run_hook({"createRuntime"}, state_of(other.pid(), words)).exit_code == 0);
  const std::string without_it = count_devices();
  for (const char* source : {"lan0", "dev:lan0"}) {
    netlend::test::check_complaint(ask(nic(source)), "'lan0' is lent to 'other' as 'eth1'");
  }
  for (const char* id : {"other2", "othe", "Other"}) {
    BOOST_TEST(ask_as(id, kBundle).exit_code == 1);
    const StateWords not_its{.id = id, .bundle = kBundle, .annotations = {}};
    BOOST_TEST(run_hook({"poststop"}, state_of(container.pid(), not_its)).exit_code == 0);
    BOOST_TEST(count_devices() == without_it);
  }
  BOOST_TEST(run_hook({"poststop"}, state_of(other.pid(), words)).exit_code == 0);
}

BOOST_FIXTURE_TEST_CASE(no_configuration_that_is_not_roots_alone_or_not_understood_counts,
                        Machine) {
  const std::string rules = R"({"netlend":1,"allow":[{"device":"*"}]})";
  struct Damage {
    std::string command;
    std::string part;
  };
  for (const auto& [command, part] : std::vector<Damage>{
           {"rm netlend.conf", "no rule in /etc/netlend lets"},
           {"rm -r ../netlend", "no rule in /etc/netlend lets"},
           {"mv netlend.conf netlend.json", "no rule in /etc/netlend lets"},
           {": > netlend.conf", "'/etc/netlend/netlend.conf': parse error"},
           {"printf '{\"netlend\":1,' > netlend.conf", "parse error"},
           {"echo '{\"netlend\":1,\"Allow\":[]}' > netlend.conf", "/Allow: unknown"},
           {"echo '{\"netlend\":1,\"allow\":{}}' > netlend.conf", "/allow: expected an array"},
           {"echo '{\"netlend\":2}' > netlend.conf", "/netlend: this netlend reads version 1"},
           {"echo '{\"allow\":[{\"device\":\"*\"}]}' > netlend.conf", "/netlend: is missing"},
           {"echo '[]' > netlend.conf", "expected an object"},
           {"echo '{\"netlend\":1,\"netlend\":1}' > netlend.conf", "is there twice"},
           {"mkdir conf.d; echo oops > conf.d/20.conf", "'/etc/netlend/conf.d/20.conf': parse"},
           {"yes '[' | head -n 100000 | tr -d '\\n' > netlend.conf", "netlend.conf': "},
           {"truncate -s 64M netlend.conf", "'/etc/netlend/netlend.conf'"},
           {"chown 1000 netlend.conf", "belongs to user 1000"},
           {"chmod 664 netlend.conf", "has mode 0664"},
           {"chmod 646 netlend.conf", "has mode 0646"},
           {"chmod 777 .", "'/etc/netlend' belongs to user 0 and has mode 0777"},
           {"chown 1000 .", "'/etc/netlend' belongs to user 1000"},
           {"chmod 775 /etc", "'/etc' belongs to user 0 and has mode 0775"},
           {"mkdir -m 777 conf.d; chmod 777 conf.d", "'/etc/netlend/conf.d' belongs"},
           {"mkdir conf.d; cp netlend.conf conf.d/1.conf; chown 1000 conf.d/1.conf", "user 1000"},
           {"mv netlend.conf real; ln -s real netlend.conf", "netlend.conf' is a symbolic link"},
           {"ln -sf /dev/null netlend.conf", "netlend.conf' is a symbolic link"},
           {"ln -s /run/elsewhere conf.d", "conf.d' is a symbolic link"},
           {"rm -r ../netlend; ln -s /run/elsewhere ../netlend",
            "/etc/netlend' is a symbolic link"},
           {"rm netlend.conf; mkfifo netlend.conf", "netlend.conf' is no regular file"},
           {"rm netlend.conf; mkdir netlend.conf", "netlend.conf' is no regular file"},
           {"mkdir conf.d; mkfifo conf.d/1.conf", "1.conf' is no regular file"},
           {"touch conf.d", "open '/etc/netlend/conf.d': Not a directory"},
       }) {
    sh("rm -rf /etc/netlend && mkdir -m 755 /etc/netlend && chmod 755 /etc");
    write_configuration(rules);
    sh("cd /etc/netlend && { " + command + "; }");
    check_refused(ask(kAllowed), part);
  }
  sh("rm -rf /etc/netlend && mkdir -m 755 /etc/netlend");
  write_configuration(rules);
  check_allowed();
}

BOOST_AUTO_TEST_SUITE_END()
