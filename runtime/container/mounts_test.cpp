#include "container/mounts.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"

using netlend::check;
using netlend::make_in_root;
using netlend::MountPoint;
using netlend::UniqueFd;

namespace {
/// A folder on a memory file system, with one beside it that nobody may reach.
struct Root {
  Root() {
    check(::mount("tmpfs", "/mnt", "tmpfs", 0, nullptr), "mount", "/mnt");
    ::mkdir("/mnt/root", 0755);
    ::mkdir("/mnt/outside", 0755);
    fd = UniqueFd{check(::open("/mnt/root", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "root")};
  }
  ~Root() { ::umount2("/mnt", MNT_DETACH); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  static bool is_there(const char* path) { return ::access(path, F_OK) == 0; }
  static bool outside_is_empty() {
    const UniqueFd outside{::open("/mnt/outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return netlend::list_names(outside.get()).empty();
  }

  UniqueFd fd;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(mounts, Root)

BOOST_AUTO_TEST_CASE(what_is_missing_of_a_mount_point_is_made) {
  make_in_root(fd.get(), "/a/b/folder", MountPoint::folder);
  make_in_root(fd.get(), "/a/c/file", MountPoint::file);
  make_in_root(fd.get(), "relative", MountPoint::folder);
  make_in_root(fd.get(), "//twice//slashed/", MountPoint::folder);
  struct stat status {};
  BOOST_TEST(::stat("/mnt/root/a/b/folder", &status) == 0);
  BOOST_TEST(S_ISDIR(status.st_mode));
  BOOST_TEST(::stat("/mnt/root/a/c/file", &status) == 0);
  BOOST_TEST(S_ISREG(status.st_mode));
  BOOST_TEST(is_there("/mnt/root/relative"));
  BOOST_TEST(is_there("/mnt/root/twice/slashed"));
}

BOOST_AUTO_TEST_CASE(links_and_dots_lead_nowhere_but_inside) {
  ::symlink("/outside", "/mnt/root/absolute");
  ::symlink("../../outside", "/mnt/root/relative");
  ::mkdir("/mnt/root/outside", 0755);
  make_in_root(fd.get(), "/absolute/x", MountPoint::folder);
  make_in_root(fd.get(), "/relative/y", MountPoint::file);
  make_in_root(fd.get(), "/../../outside/z", MountPoint::folder);
  BOOST_TEST(is_there("/mnt/root/outside/x"));
  BOOST_TEST(is_there("/mnt/root/outside/y"));
  BOOST_TEST(is_there("/mnt/root/outside/z"));
  BOOST_TEST(outside_is_empty());
}

BOOST_AUTO_TEST_CASE(a_link_that_leads_nowhere_leads_to_what_is_made_inside) {
  ::mkdir("/mnt/root/etc", 0755);
  ::symlink("../run/stub", "/mnt/root/etc/resolv.conf");
  ::symlink("/outside/../outside/deep", "/mnt/root/run");
  make_in_root(fd.get(), "/etc/resolv.conf", MountPoint::file);
  struct stat status {};
  BOOST_TEST(::stat("/mnt/root/outside/deep/stub", &status) == 0);
  BOOST_TEST(S_ISREG(status.st_mode));
  ::symlink("../../../outside/far", "/mnt/root/etc/dots");
  make_in_root(fd.get(), "/etc/dots/x/y", MountPoint::folder);
  BOOST_TEST(is_there("/mnt/root/outside/far/x/y"));
  BOOST_TEST(outside_is_empty());
}

BOOST_AUTO_TEST_CASE(links_that_lead_to_each_other_are_an_error) {
  ::symlink("two", "/mnt/root/one");
  ::symlink("one", "/mnt/root/two");
  BOOST_CHECK_THROW(make_in_root(fd.get(), "/one/x", MountPoint::folder), netlend::Error);
  // Each begins with itself, and what it leads to is never there.
  ::symlink("endless/new/..", "/mnt/root/endless");
  BOOST_CHECK_THROW(make_in_root(fd.get(), "/endless", MountPoint::file), netlend::Error);
}

BOOST_AUTO_TEST_CASE(what_may_not_be_a_link_is_refused_where_it_is_one) {
  ::symlink("/", "/mnt/root/link");
  BOOST_CHECK_THROW(netlend::open_in_root_without_links(fd.get(), "/link"), netlend::Error);
}

BOOST_AUTO_TEST_CASE(a_file_system_says_itself_what_it_did_not_understand) {
  BOOST_CHECK_EXCEPTION(
      netlend::make_filesystem("tmpfs", {{"colour", "red"}}, 0), netlend::Error,
      [](const auto& error) {
        return std::string_view(error.what()) ==
               "set the mount option 'colour=red': Invalid argument (EINVAL); tmpfs: Unknown "
               "parameter 'colour'";
      });
}

BOOST_AUTO_TEST_SUITE_END()
