#include "oci-spec/config.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "oci-spec/refusals.hpp"

using namespace netlend::oci;

namespace {
// The smallest config with `members` added: R"("mounts":[])".
std::string config_with(const std::string& members) {
  return R"({"ociVersion":"1.0.2","root":{"path":"rootfs"})" +
         (members.empty() ? "" : "," + members) + "}";
}

std::string process_with(const std::string& members) {
  return config_with(R"("process":{"cwd":"/",)" + members + "}");
}

std::string linux_with(const std::string& members) {
  return config_with(R"("linux":{)" + members + "}");
}

std::string hook_with(const std::string& hook) {
  return config_with(R"("hooks":{"poststop":[)" + hook + "]}");
}

std::string golden(const std::string& name) {
  return netlend::read_file(AT_FDCWD, std::string(NETLEND_GOLDEN_FOLDER "/") + name,
                            netlend::JsonDocument::kBytesMax);
}

constexpr std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

// What Debian 12's `runc spec` says.
Config config_of_runc_spec() {
  const std::uint64_t capabilities =
      bit(CAP_AUDIT_WRITE) | bit(CAP_KILL) | bit(CAP_NET_BIND_SERVICE);
  return {
      .oci_version = "1.0.2-dev",
      .root = {.path = "rootfs", .readonly = true},
      .mounts =
          {{"/proc", "proc", "proc", {}},
           {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
           {"/dev/pts",
            "devpts",
            "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
           {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
           {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
           {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
           {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}}},
      .process =
          Process{.terminal = true,
                  .args = {"sh"},
                  .env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "TERM=xterm"},
                  .cwd = "/",
                  .capabilities = {.bounding = capabilities,
                                   .effective = capabilities,
                                   .permitted = capabilities,
                                   .ambient = capabilities},
                  .rlimits = {{.resource = RLIMIT_NOFILE, .soft = 1024, .hard = 1024}},
                  .no_new_privileges = true},
      .hostname = "runc",
      .linux = {.namespaces = {{NamespaceType::pid, {}},
                               {NamespaceType::network, {}},
                               {NamespaceType::ipc, {}},
                               {NamespaceType::uts, {}},
                               {NamespaceType::mount, {}}},
                .resources = {.devices = {{.allow = false, .access = kDeviceAccessAll}}},
                .masked_paths = {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
                                 "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                                 "/proc/sched_debug", "/sys/firmware", "/proc/scsi"},
                .readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                   "/proc/sysrq-trigger"}}};
}
}  // namespace

BOOST_AUTO_TEST_SUITE(config_documents)

BOOST_AUTO_TEST_CASE(what_runc_spec_writes_is_read_whole) {
  const auto config = parse_config(golden("runc-spec-1.1.5.json"));
  const auto expected = config_of_runc_spec();
  BOOST_TEST((config.root == expected.root));
  BOOST_TEST((config.mounts == expected.mounts));
  BOOST_TEST((config.process == expected.process));
  BOOST_TEST((config.linux == expected.linux));
  BOOST_TEST((config == expected));
}

BOOST_AUTO_TEST_CASE(a_config_may_have_hardly_anything) {
  const Config smallest{.oci_version = "1.0.2", .root = {.path = "rootfs"}};
  for (const char* members :
       {"", R"("linux":{},"hooks":{},"mounts":[],"annotations":{})",
        R"("linux":null,"hooks":null,"mounts":null,"process":null,"annotations":null,
           "hostname":null,"windows":null)"}) {
    BOOST_TEST((parse_config(config_with(members)) == smallest), members);
  }
}

BOOST_AUTO_TEST_CASE(every_version_1_is_taken) {
  for (const char* version : {"1.0.0", "1.0.2-dev", "1.3.0", "1.10.11", "1.2.0-rc.1+build.5"}) {
    const auto text =
        R"({"ociVersion":")" + std::string(version) + R"(","root":{"path":"rootfs"}})";
    BOOST_TEST(parse_config(text).oci_version == version);
  }
}

BOOST_AUTO_TEST_CASE(a_process_may_say_who_it_is_and_what_it_may) {
  const auto config = parse_config(process_with(
      R"("terminal":true,"consoleSize":{"height":24,"width":80},"oomScoreAdj":-1000,"args":["a",""],
         "user":{"uid":1000,"gid":4294967294,"umask":18,"additionalGids":[5,6]},
         "rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":18446744073709551615}])"));
  BOOST_REQUIRE(config.process.has_value());
  BOOST_TEST((config.process->console_size == ConsoleSize{.rows = 24, .columns = 80}));
  BOOST_TEST((config.process->user ==
              User{.uid = 1000, .gid = 4294967294, .umask = 022, .additional_gids = {5, 6}}));
  BOOST_TEST(config.process->oom_score_adj.value() == -1000);
  BOOST_TEST(config.process->args == (std::vector<std::string>{"a", ""}));
  BOOST_TEST(config.process->rlimits[0].hard == RLIM_INFINITY);
  BOOST_TEST(config.warnings.empty());
}

BOOST_AUTO_TEST_CASE(a_console_size_means_nothing_without_a_terminal) {
  const auto config = parse_config(process_with(R"("consoleSize":{"height":24,"width":80})"));
  BOOST_TEST(!config.process->console_size.has_value());
}

BOOST_AUTO_TEST_CASE(a_capability_that_nobody_knows_is_a_warning) {
  const auto config = parse_config(process_with(
      R"("capabilities":{"bounding":["CAP_FLY","CAP_CHOWN","CAP_CHECKPOINT_RESTORE"]})"));
  BOOST_TEST(config.process->capabilities.bounding ==
             (bit(CAP_CHOWN) | bit(CAP_CHECKPOINT_RESTORE)));
  BOOST_TEST(config.warnings ==
             (std::vector<std::string>{
                 "/process/capabilities/bounding/0: unknown capability 'CAP_FLY' is left out"}));
}

BOOST_AUTO_TEST_CASE(hooks_are_read_in_their_order) {
  const auto hooks = parse_config(config_with(R"("hooks":{
      "prestart":[{"path":"/a"},{"path":"/b","args":["b","x"],"env":["K=v"],"timeout":3}],
      "createRuntime":[{"path":"/c"}],"createContainer":[{"path":"/d"}],
      "startContainer":[{"path":"/e"}],"poststart":[{"path":"/f"}],"poststop":[{"path":"/g"}]})"))
                         .hooks;
  BOOST_TEST(
      (hooks.prestart ==
       std::vector<Hook>{{.path = "/a"},
                         {.path = "/b", .args = {"b", "x"}, .env = {"K=v"}, .timeout_s = 3}}));
  BOOST_TEST((hooks.create_runtime == std::vector<Hook>{{.path = "/c"}}));
  BOOST_TEST((hooks.create_container == std::vector<Hook>{{.path = "/d"}}));
  BOOST_TEST((hooks.start_container == std::vector<Hook>{{.path = "/e"}}));
  BOOST_TEST((hooks.poststart == std::vector<Hook>{{.path = "/f"}}));
  BOOST_TEST((hooks.poststop == std::vector<Hook>{{.path = "/g"}}));
}

BOOST_AUTO_TEST_CASE(a_mount_may_have_a_destination_alone_and_begins_at_the_root) {
  const auto config = parse_config(config_with(R"("mounts":[{"destination":"data"}])"));
  BOOST_TEST((config.mounts == std::vector<Mount>{{.destination = "/data"}}));
}

BOOST_AUTO_TEST_CASE(namespaces_have_a_path_or_are_made) {
  const auto part =
      parse_config(linux_with(
                       R"("namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/n1"},
                       {"type":"mount","path":""},{"type":"ipc","path":null}])"))
          .linux;
  BOOST_TEST((part.namespaces == std::vector<Namespace>{{NamespaceType::pid, {}},
                                                        {NamespaceType::network, "/run/netns/n1"},
                                                        {NamespaceType::mount, {}},
                                                        {NamespaceType::ipc, {}}}));
}

BOOST_AUTO_TEST_CASE(devices_and_their_rules_are_read) {
  const auto part = parse_config(linux_with(R"(
      "devices":[{"type":"c","path":"/dev/fuse","major":10,"minor":229,"fileMode":8630,"uid":1},
                 {"type":"p","path":"/pipe"},{"type":"b","path":"/dev/sda","major":8,"minor":0,
                  "fileMode":432,"gid":6}],
      "resources":{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"access":"rw"},
                 {"allow":true,"type":"b","major":8,"minor":-1,"access":"m"}]})"))
                        .linux;
  BOOST_TEST(
      (part.devices ==
       std::vector<Device>{
           {.path = "/dev/fuse", .mode = S_IFCHR | 0666, .major = 10, .minor = 229, .uid = 1},
           {.path = "/pipe", .mode = S_IFIFO | 0666},
           {.path = "/dev/sda", .mode = S_IFBLK | 0660, .major = 8, .gid = 6}}));
  BOOST_TEST(
      (part.resources.devices ==
       std::vector<DeviceRule>{
           {},
           {.allow = true,
            .type = DeviceRuleType::character,
            .major = 1,
            .access = kDeviceRead | kDeviceWrite},
           {.allow = true, .type = DeviceRuleType::block, .major = 8, .access = kDeviceMknod}}));
}

BOOST_AUTO_TEST_CASE(propagation_and_cgroup_are_read_where_they_are_given) {
  const auto given =
      parse_config(linux_with(R"("rootfsPropagation":"rslave","cgroupsPath":"/a/b")")).linux;
  BOOST_TEST(given.rootfs_propagation.value() == (MS_SLAVE | MS_REC));
  BOOST_TEST(given.cgroups_path.value() == "/a/b");
  const auto empty = parse_config(linux_with(R"("rootfsPropagation":"","cgroupsPath":"")")).linux;
  BOOST_TEST(!empty.rootfs_propagation.has_value());
  BOOST_TEST(!empty.cgroups_path.has_value());
}

BOOST_AUTO_TEST_CASE(network_devices_keep_their_names_unless_they_are_given_others) {
  const auto devices = parse_config(linux_with(R"("namespaces":[{"type":"network"}],
      "netDevices":{"lan1":{"name":"eth%d"},"lan0":{}})"))
                           .linux.network_devices;
  BOOST_REQUIRE(devices.size() == 2U);
  BOOST_TEST(devices[0].name == "lan0");
  BOOST_TEST(devices[0].name_inside == "");
  BOOST_TEST(devices[1].name_inside == "eth%d");
}

BOOST_AUTO_TEST_CASE(what_the_spec_does_not_name_is_passed_over) {
  const auto config = parse_config(
      R"({"ociVersion":"1.0.2","x":[1],"root":{"path":"r","x":1},"process":{"cwd":"/","x":{}},
          "linux":{"x":7,"resources":{"x":true}},"mounts":[{"destination":"/m","x":[]}]})");
  BOOST_TEST(config.root.path == "r");
}

BOOST_AUTO_TEST_CASE(what_the_spec_names_and_netlend_cannot_do_is_refused_unless_it_is_empty) {
  const std::vector<std::vector<std::string>> places{
      {"", "freebsd", "solaris", "vm", "windows", "zos"},
      {"/process", "apparmorProfile", "commandLine", "execCPUAffinity", "ioPriority", "scheduler",
       "selinuxLabel"},
      {"/linux", "gidMappings", "intelRdt", "memoryPolicy", "mountLabel", "personality", "seccomp",
       "sysctl", "timeOffsets", "uidMappings"},
      {"/linux/resources", "blockIO", "cpu", "hugepageLimits", "memory", "network", "pids", "rdma",
       "unified"}};
  const auto config_at = [](const std::string& place, const std::string& member) {
    if (place == "/process") return process_with(member);
    if (place == "/linux") return linux_with(member);
    if (place == "/linux/resources") return linux_with(R"("resources":{)" + member + "}");
    return config_with(member);
  };
  for (const auto& place : places) {
    for (std::size_t i = 1; i < place.size(); ++i) {
      const auto member = [&](const std::string& value) {
        return config_at(place[0], '"' + place[i] + "\":" + value);
      };
      check_refused({{member(R"({"x":1})"),
                      place[0] + "/" + place[i] + ": netlend does not support this yet"}},
                    parse_config);
      for (const char* nothing : {"null", "{}", "[]", R"("")"}) {
        BOOST_CHECK_NO_THROW(parse_config(member(nothing)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_bad_config_is_refused_at_its_place) {
  check_refused(
      {{"", "parse error"},
       {"[]", "top level: expected an object, not array"},
       {"{}", "/ociVersion: is missing"},
       {R"({"ociVersion":"0.9.0"})", "/ociVersion: '0.9.0'; netlend knows versions 1.x"},
       {R"({"ociVersion":"1"})", "/ociVersion: '1'"},
       {R"({"ociVersion":"1.0"})", "/ociVersion: '1.0'"},
       {R"({"ociVersion":"1.0.x"})", "/ociVersion: '1.0.x'"},
       {R"({"ociVersion":"1.0.2-"})", "/ociVersion: '1.0.2-'"},
       {R"({"ociVersion":"1.0.2"})", "/root: is missing"},
       {R"({"ociVersion":"1.0.2","root":{}})", "/root/path: is missing"},
       {R"({"ociVersion":"1.0.2","root":{"path":""}})", "/root/path: is empty"},
       {R"({"ociVersion":"1.0.2","root":{"path":"r","readonly":1}})", "/root/readonly: expected"},
       {config_with(R"("annotations":{"a":null})"), "/annotations/a: expected a string"},
       {config_with(R"("annotations":{"":"b"})"), "/annotations/: an annotation needs a key"},
       {config_with(R"("mounts":{})"), "/mounts: expected an array, not object"},
       {config_with(R"("mounts":[{}])"), "/mounts/0/destination: is missing"},
       {config_with(R"("mounts":[{"destination":""}])"), "/mounts/0/destination: is empty"},
       {config_with(R"("mounts":[{"destination":"/m","options":["ro",7]}])"),
        "/mounts/0/options/1: expected a string, not number"},
       {config_with(R"("mounts":[{"destination":"/m","uidMappings":[{"size":1}]}])"),
        "/mounts/0/uidMappings: netlend does not support this yet"},
       {config_with(R"("hostname":"h")"), "/hostname: needs a namespace of type 'uts'"},
       {config_with(R"("domainname":"d")"), "/domainname: needs a namespace of type 'uts'"},
       {hook_with("{}"), "/hooks/poststop/0/path: is missing"},
       {hook_with(R"({"path":"bin/x"})"), "/hooks/poststop/0/path: 'bin/x' is no absolute path"},
       {hook_with(R"({"path":"/x","timeout":0})"),
        "/hooks/poststop/0/timeout: 0 is not within 1 and"},
       {hook_with(R"({"path":"/x"},{"path":"/y","env":"K=v"})"),
        "/hooks/poststop/1/env: expected an array, not string"}},
      parse_config);
}

BOOST_AUTO_TEST_CASE(a_bad_process_is_refused_at_its_place) {
  check_refused(
      {{config_with(R"("process":{})"), "/process/cwd: is missing"},
       {config_with(R"("process":{"cwd":""})"), "/process/cwd: '' is no absolute path"},
       {config_with(R"("process":{"cwd":"tmp"})"), "/process/cwd: 'tmp' is no absolute path"},
       {process_with(R"("args":"sh")"), "/process/args: expected an array, not string"},
       {process_with(R"("env":["A\u0000"])"), "/process/env/0: a NUL in a string"},
       {process_with(R"("terminal":true,"consoleSize":{"height":1})"),
        "/process/consoleSize/width: is missing"},
       {process_with(R"("terminal":true,"consoleSize":{"height":65536,"width":1})"),
        "/process/consoleSize/height: 65536 is not within 0 and 65535"},
       {process_with(R"("user":{"gid":0})"), "/process/user/uid: is missing"},
       {process_with(R"("user":{"uid":0})"), "/process/user/gid: is missing"},
       {process_with(R"("user":{"uid":4294967295,"gid":0})"), "/process/user/uid: 4294967295 is"},
       {process_with(R"("user":{"uid":-1,"gid":0})"), "/process/user/uid: -1 is not within"},
       {process_with(R"("user":{"uid":0,"gid":0,"umask":512})"), "/process/user/umask: 512 is not"},
       {process_with(R"("user":{"uid":0,"gid":0,"additionalGids":[0,-7]})"),
        "/process/user/additionalGids/1: -7 is not within"},
       {process_with(R"("user":{"uid":0,"gid":0,"username":"x"})"), "/process/user/username: net"},
       {process_with(R"("capabilities":["CAP_KILL"])"), "/process/capabilities: expected an obj"},
       {process_with(R"("capabilities":{"ambient":[9]})"), "/process/capabilities/ambient/0: exp"},
       {process_with(R"("rlimits":[{"type":"RLIMIT_FUN","soft":1,"hard":1}])"),
        "/process/rlimits/0/type: unknown resource 'RLIMIT_FUN'"},
       {process_with(R"("rlimits":[{"type":"RLIMIT_CPU","soft":1}])"),
        "/process/rlimits/0/hard: is missing"},
       {process_with(R"("rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}])"),
        "/process/rlimits/0: 'soft' is above 'hard'"},
       {process_with(R"("rlimits":[{"type":"RLIMIT_CPU","soft":-1,"hard":1}])"),
        "/process/rlimits/0/soft: -1 is below 0"},
       {process_with(R"("rlimits":[{"type":"RLIMIT_CPU","soft":1,"hard":1},
                                   {"type":"RLIMIT_CPU","soft":1,"hard":1}])"),
        "/process/rlimits/1: this resource has a limit already"},
       {process_with(R"("oomScoreAdj":1001)"), "/process/oomScoreAdj: 1001 is not within -1000"}},
      parse_config);
}

BOOST_AUTO_TEST_CASE(a_bad_linux_part_is_refused_at_its_place) {
  const auto with_namespaces = [](const std::string& list) {
    return linux_with(R"("namespaces":)" + list);
  };
  const auto with_rule = [](const std::string& rule) {
    return linux_with(R"("resources":{"devices":[)" + rule + "]}");
  };
  const auto with_device = [](const std::string& device) {
    return linux_with(R"("devices":[)" + device + "]");
  };
  check_refused(
      {{config_with(R"("linux":[])"), "/linux: expected an object, not array"},
       {with_namespaces("{}"), "/linux/namespaces: expected an array, not object"},
       {with_namespaces("[7]"), "/linux/namespaces/0: expected an object, not number"},
       {with_namespaces("[{}]"), "/linux/namespaces/0/type: is missing"},
       {with_namespaces(R"([{"type":"net"}])"),
        "/linux/namespaces/0/type: unknown namespace 'net'"},
       {with_namespaces(R"([{"type":"user"}])"), "/linux/namespaces/0/type: netlend does not"},
       {with_namespaces(R"([{"type":"pid"},{"type":"pid"}])"),
        "/linux/namespaces/1: a namespace of this type is there already"},
       {with_namespaces(R"([{"type":"network","path":"run/x"}])"),
        "/linux/namespaces/0/path: 'run/x' is no absolute path"},
       {with_namespaces(R"([{"type":"network","path":["/x"]}])"),
        "/linux/namespaces/0/path: expected a string, not array"},
       {linux_with(R"("cgroupsPath":"/")"), "/linux/cgroupsPath: '/' names no cgroup"},
       {linux_with(R"("cgroupsPath":"a/../../b")"), "/linux/cgroupsPath: 'a/../../b' names no"},
       {linux_with(R"("rootfsPropagation":"up")"), "/linux/rootfsPropagation: unknown"},
       {linux_with(R"("maskedPaths":["proc"])"), "/linux/maskedPaths/0: 'proc' is no absolute"},
       {linux_with(R"("maskedPaths":["/proc"])"), "/linux/maskedPaths: needs a namespace of type"},
       {linux_with(R"("readonlyPaths":["/a"])"), "/linux/readonlyPaths: needs a namespace of"},
       {linux_with(R"("netDevices":{"lan0":{}})"), "/linux/netDevices: needs a namespace of"},
       {linux_with(R"("netDevices":{"":{}})"), "/linux/netDevices/: a device without a name"},
       {linux_with(R"("netDevices":{"lan0":"eth0"})"),
        "/linux/netDevices/lan0: expected an object"},
       {linux_with(R"("netDevices":{"lan0":{"name":7}})"), "/linux/netDevices/lan0/name: expected"},
       {with_rule("{}"), "/linux/resources/devices/0/allow: is missing"},
       {with_rule(R"({"allow":true,"type":"p"})"), "/linux/resources/devices/0/type: unknown"},
       {with_rule(R"({"allow":true,"access":""})"), "/linux/resources/devices/0/access: '' is not"},
       {with_rule(R"({"allow":true,"access":"rx"})"), "/linux/resources/devices/0/access: 'rx'"},
       {with_rule(R"({"allow":true,"major":-2})"), "/linux/resources/devices/0/major: -2 is not"},
       {with_device("{}"), "/linux/devices/0/type: is missing"},
       {with_device(R"({"type":"x"})"), "/linux/devices/0/type: unknown type 'x'"},
       {with_device(R"({"type":"c"})"), "/linux/devices/0/path: is missing"},
       {with_device(R"({"type":"c","path":"x"})"), "/linux/devices/0/path: 'x' is no absolute"},
       {with_device(R"({"type":"c","path":"/x"})"), "/linux/devices/0/major: is missing"},
       {with_device(R"({"type":"c","path":"/x","major":1,"minor":-1})"),
        "/linux/devices/0/minor: -1 is not within"}},
      parse_config);
}

BOOST_AUTO_TEST_CASE(annotations_are_read_from_any_runtimes_config) {
  const auto annotations = parse_config_annotations(
      R"({"ociVersion":"1.3.0","annotations":{"io.netlend.nic.eth1":"lan0"},
          "linux":{"seccomp":{"defaultAction":"SCMP_ACT_ERRNO"},"namespaces":[{"type":"user"}]}})");
  BOOST_TEST(annotations.at("io.netlend.nic.eth1") == "lan0");
  BOOST_TEST(parse_config_annotations(R"({"ociVersion":"1.0.2"})").empty());
  check_refused({{"{}", "/ociVersion: is missing"},
                 {R"({"ociVersion":"1.0.2","annotations":[]})", "/annotations: expected an obj"}},
                parse_config_annotations);
}

BOOST_AUTO_TEST_SUITE_END()
