#include "container/rootfs.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "container/test_run.hpp"

using netlend::check;
using netlend::test::run;
using netlend::test::Runner;
using netlend::test::shell;

namespace {
void make_file(const std::string& path, const std::string& content) {
  const netlend::UniqueFd file{
      check(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644), "make", path)};
  netlend::write_all(file.get(), content, path);
}

void make_folder(const std::string& path) { check(::mkdir(path.c_str(), 0755), "mkdir", path); }

/// A file system of the test's on a folder of the host, gone after it.
class Mounted {
 public:
  explicit Mounted(std::string path, const char* type = "tmpfs") : path_(std::move(path)) {
    check(::mount(type, path_.c_str(), type, 0, nullptr), "mount", path_);
  }
  ~Mounted() { ::umount2(path_.c_str(), MNT_DETACH); }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

 private:
  std::string path_;
};

std::string own_mountinfo() {
  return netlend::read_file(AT_FDCWD, "/proc/self/mountinfo", 1024 * 1024UL);
}
}  // namespace

BOOST_AUTO_TEST_SUITE(host_root)

BOOST_AUTO_TEST_CASE(of_all_mounts_only_the_containers_own_can_be_written_to) {
  const Mounted outer("/mnt");
  make_folder("/mnt/deep");
  const Mounted inner("/mnt/deep");

  // Covered as /root is, on a machine that has them: folders of engines.
  const auto outcome =
      run(shell("cut -d' ' -f5 /proc/self/mountinfo | grep -v ^/var/lib/ | sort -u |\n"
                "while read -r folder; do\n"
                "  [ -d $folder ] && touch $folder/probe 2>/dev/null && echo $folder; done; true"));

  BOOST_TEST(outcome.output == "/dev\n/dev/mqueue\n/dev/shm\n/home\n/root\n/run\n/tmp\n");
}

BOOST_AUTO_TEST_CASE(the_hosts_mounts_are_as_before) {
  const auto before = own_mountinfo();
  BOOST_TEST(run(shell("echo > /tmp/x")).exit_code == 0);
  BOOST_TEST(own_mountinfo() == before);
}

BOOST_AUTO_TEST_CASE(home_root_run_and_the_engines_folders_are_empty) {
  const Mounted home("/home"), root("/root"), state("/run"), library("/var/lib");
  for (const auto* folder : {"/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet"}) {
    make_folder(folder);
    make_file(std::string(folder) + "/secret", "");
  }
  make_file("/home/secret", "");
  make_file("/root/secret", "");
  make_file("/run/docker.sock", "");
  make_file("/var/lib/visible", "");

  const auto outcome = run(shell("cd / && ls -A /home /root /run /var/lib/*"));

  BOOST_TEST(outcome.output ==
             "/var/lib/visible\n\n/home:\n\n/root:\n\n/run:\n\n/var/lib/containers:\n\n"
             "/var/lib/docker:\n\n/var/lib/kubelet:\n");
}

BOOST_AUTO_TEST_CASE(show_makes_one_path_visible_read_only_and_nothing_beside_it) {
  const Mounted home("/home");
  make_folder("/home/alice");
  make_folder("/home/alice/data");
  make_file("/home/alice/data/table", "rows\n");
  make_file("/home/alice/key", "secret\n");
  make_file("/home/alice/note", "hello\n");
  auto options = shell(
      "cat /home/alice/data/table /home/alice/note; ls /home/alice; "
      "echo x > /home/alice/note || echo x > /home/alice/data/table || touch /home/alice/data/new");
  options.root.show = {"/home/alice/data", "/home/alice/note"};

  const auto outcome = run(options);

  BOOST_TEST(outcome.exit_code != 0);
  BOOST_TEST(outcome.output.starts_with("rows\nhello\ndata\nnote\n"));
  BOOST_TEST(netlend::read_file(AT_FDCWD, "/home/alice/note", 100) == "hello\n");
}

BOOST_AUTO_TEST_CASE(show_refuses_what_it_can_not_show_and_says_why) {
  const Mounted home("/home");
  check(::symlink("/etc", "/home/link"), "link", "/home/link");
  const auto refusal = [](const char* path) {
    auto options = shell("true");
    options.root.show = {path};
    const auto outcome = run(options);
    BOOST_TEST(outcome.exit_code == 125);
    return outcome.output;
  };
  BOOST_TEST(refusal("/home/absent") ==
             "show '/home/absent': No such file or directory (ENOENT)\n");
  BOOST_TEST(
      refusal("/home/link") ==
      "show '/home/link': a symbolic link is in it; give the path that realpath(1) prints\n");
  BOOST_TEST(refusal("home") == "show 'home': give an absolute path without '..'\n");
  BOOST_TEST(refusal("/home/../etc") ==
             "show '/home/../etc': give an absolute path without '..'\n");
  BOOST_TEST(refusal("/proc/1") ==
             "show '/proc/1': /dev, /proc and /sys are the container's own\n");
}

BOOST_AUTO_TEST_CASE(
    a_procfs_that_the_host_has_mounted_elsewhere_is_gone_even_below_another_mount) {
  const Mounted folder("/mnt");
  make_folder("/mnt/proc");
  make_folder("/mnt/covered");
  const Mounted proc("/mnt/proc", "proc");
  const Mounted below("/mnt/covered", "proc");
  const Mounted above("/mnt/covered");

  BOOST_TEST(run(shell("ls -A /mnt/proc /mnt/covered")).output == "/mnt/covered:\n\n/mnt/proc:\n");
}

BOOST_AUTO_TEST_CASE(what_the_host_mounts_later_does_not_appear_inside) {
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr), "share", "/");
  Runner runner(shell("trap 'ls /mnt; exit 0' TERM; echo ready; while :; do sleep 0.01; done"));
  runner.read_until("ready\n");
  {
    const Mounted later("/mnt");
    make_file("/mnt/later", "");
    runner.signal(SIGTERM);
    BOOST_TEST(runner.read_rest().find("later") == std::string::npos);
  }
  BOOST_TEST(runner.exit_code() == 0);
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make private", "/");
}

BOOST_AUTO_TEST_CASE(device_nodes_and_set_user_id_bits_of_the_host_do_nothing) {
  const Mounted folder("/mnt");
  check(::mknod("/mnt/zero", S_IFCHR | 0666, 0x105), "mknod", "/mnt/zero");
  BOOST_TEST(run(shell("head -c1 /mnt/zero")).output.find("Permission denied") !=
             std::string::npos);
  BOOST_TEST(run(shell("awk '$5 == \"/\" {print $6}' /proc/self/mountinfo"))
                 .output.find("ro,nosuid,nodev") == 0);
}

BOOST_AUTO_TEST_CASE(proc_is_the_containers_own_with_the_machine_hidden_and_write_protected) {
  const auto outcome = run(shell(
      "cat /proc/1/comm\n"
      "for f in /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward /proc/irq/default_smp_"
      "affinity; do [ -e $f ] && echo 1 2>/dev/null > $f && echo wrote $f; done\n"
      "for f in /proc/kcore /proc/keys /proc/timer_list; do [ -s $f ] && cat $f; done\n"
      "ls -A /sys/firmware /sys/kernel/debug /sys/fs/cgroup; mkdir /sys/fs/cgroup/x"));
  BOOST_TEST(outcome.output.find("netlend-init\n") == 0);
  BOOST_TEST(outcome.output.find("wrote") == std::string::npos);
  BOOST_TEST(outcome.output.find("\n/sys/firmware:\n\n/sys/fs/cgroup:\n\n/sys/kernel/debug:\n"
                                 "mkdir: cannot create directory") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(dev_has_the_standard_nodes_that_work_and_none_of_the_hosts) {
  const auto outcome = run(shell(
      "ls -A /dev; echo x > /dev/null; head -c2 /dev/zero | od -An -tx1; "
      "head -c4 /dev/urandom | wc -c; head -c1 /dev/zero 2>&1 > /dev/full | grep -c 'No space'; "
      "ls -A /dev/pts; [ -w /dev/shm ] && echo pipe | cat /dev/stdin"));
  BOOST_TEST(outcome.output ==
             "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\n"
             "zero\n 00 00\n4\n1\nptmx\npipe\n");
}

BOOST_AUTO_TEST_CASE(resolv_conf_is_what_was_given_and_the_hosts_stays) {
  const auto before = netlend::read_file(AT_FDCWD, "/etc/resolv.conf", 65536);
  auto options = shell("cat /etc/resolv.conf; ls -A /dev | grep -c resolv");
  options.root.resolv_conf = "nameserver 192.0.2.53\n";
  BOOST_TEST(run(options).output == "nameserver 192.0.2.53\n0\n");
  BOOST_TEST(netlend::read_file(AT_FDCWD, "/etc/resolv.conf", 65536) == before);
}

BOOST_AUTO_TEST_CASE(a_resolv_conf_that_links_into_run_is_made_there) {
  const Mounted etc("/etc");
  check(::symlink("../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf"), "link", "it");
  auto options = shell("cat /etc/resolv.conf");
  options.root.resolv_conf = "nameserver 192.0.2.53\n";
  BOOST_TEST(run(options).output == "nameserver 192.0.2.53\n");
}

BOOST_AUTO_TEST_CASE(a_chroot_that_netlend_was_started_in_can_not_be_left_upwards) {
  const Mounted layers("/mnt");
  for (const auto* folder : {"/mnt/upper", "/mnt/work", "/mnt/root"}) make_folder(folder);
  check(::mount("overlay", "/mnt/root", "overlay", 0,
                "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work"),
        "mount", "an overlay");
  check(::mount("proc", "/mnt/root/proc", "proc", 0, nullptr), "mount", "proc");
  make_file("/mnt/root/etc/inside", "");
  const auto outcome = run(
      shell("touch /x; perl -e 'mkdir q(/tmp/c); chroot q(/tmp/c) or die; chdir q(..) for 1..30; "
            "print -e q(etc/inside) ? qq(inside\\n) : qq(outside\\n); "
            "open(F, q(>), q(etc/probe)) or print qq($!\\n)'"),
      [] { check(::chroot("/mnt/root"), "chroot", "/mnt/root"); });
  ::umount2("/mnt/root", MNT_DETACH);
  BOOST_TEST(outcome.output ==
             "touch: cannot touch '/x': Read-only file system\ninside\nRead-only file system\n");
}

BOOST_AUTO_TEST_SUITE_END()
