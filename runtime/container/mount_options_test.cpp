#include "container/mount_options.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using netlend::AttributeChange;
using netlend::MountAction;
using netlend::MountOptions;
using netlend::sort_mount_options;

BOOST_AUTO_TEST_SUITE(mount_options)

BOOST_AUTO_TEST_CASE(what_runc_spec_writes_is_sorted) {
  const auto sorted =
      sort_mount_options({"nosuid", "strictatime", "mode=755", "size=65536k", "newinstance"});
  BOOST_TEST((sorted.one_mount ==
              AttributeChange{MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME}));
  BOOST_TEST((sorted.parameters ==
              MountOptions{{"mode", "755"}, {"size", "65536k"}, {"newinstance", ""}}));
  BOOST_TEST((sorted.action == MountAction::make));
}

BOOST_AUTO_TEST_CASE(of_two_that_contradict_each_other_the_later_is_meant) {
  BOOST_TEST((sort_mount_options({"ro", "rw"}).one_mount == AttributeChange{0, MOUNT_ATTR_RDONLY}));
  BOOST_TEST(
      (sort_mount_options({"suid", "nosuid"}).one_mount == AttributeChange{MOUNT_ATTR_NOSUID, 0}));
  const auto atime = sort_mount_options({"noatime", "strictatime"}).one_mount;
  BOOST_TEST(atime.set == MOUNT_ATTR_STRICTATIME);
}

BOOST_AUTO_TEST_CASE(recursive_ones_are_kept_apart) {
  const auto sorted = sort_mount_options({"rbind", "ro", "rro", "rnosuid", "rprivate", "shared"});
  BOOST_TEST((sorted.action == MountAction::bind_recursively));
  BOOST_TEST((sorted.one_mount == AttributeChange{MOUNT_ATTR_RDONLY, 0}));
  BOOST_TEST((sorted.recursive == AttributeChange{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0}));
  BOOST_TEST((sorted.propagation == std::vector<unsigned long>{MS_PRIVATE | MS_REC, MS_SHARED}));
}

BOOST_AUTO_TEST_CASE(every_option_of_the_spec_is_known) {
  // config.md, "Linux mount options": the MUST and SHOULD of the table but those refused below.
  const auto sorted =
      sort_mount_options({"async",        "atime",       "bind",           "defaults",
                          "dev",          "diratime",    "dirsync",        "exec",
                          "iversion",     "lazytime",    "loud",           "noatime",
                          "nodev",        "nodiratime",  "noexec",         "noiversion",
                          "nolazytime",   "norelatime",  "nostrictatime",  "nosuid",
                          "nosymfollow",  "private",     "ratime",         "rbind",
                          "rdev",         "rdiratime",   "relatime",       "remount",
                          "rexec",        "rnoatime",    "rnodev",         "rnodiratime",
                          "rnoexec",      "rnorelatime", "rnostrictatime", "rnosuid",
                          "rnosymfollow", "ro",          "rprivate",       "rrelatime",
                          "rro",          "rrw",         "rshared",        "rslave",
                          "rstrictatime", "rsuid",       "rsymfollow",     "runbindable",
                          "rw",           "shared",      "silent",         "slave",
                          "strictatime",  "suid",        "symfollow",      "sync",
                          "unbindable"});
  BOOST_TEST((sorted.parameters == MountOptions{{"async", ""},
                                                {"dirsync", ""},
                                                {"lazytime", ""},
                                                {"nolazytime", ""},
                                                {"ro", ""},
                                                {"rw", ""},
                                                {"sync", ""}}));
}

BOOST_AUTO_TEST_CASE(what_can_not_be_done_is_refused) {
  for (const auto* option : {"idmap", "ridmap", "tmpcopyup"}) {
    BOOST_CHECK_THROW(sort_mount_options({option}), netlend::Error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
