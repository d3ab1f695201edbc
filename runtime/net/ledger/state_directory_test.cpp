#include "net/ledger/state_directory.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "support/lab.hpp"

using netlend::test::error_of;
using netlend::test::sh;

BOOST_AUTO_TEST_SUITE(state_directory)

BOOST_AUTO_TEST_CASE(it_is_made_private) {
  const netlend::StateDirectory state("/run/state-a");
  struct stat status {};
  BOOST_TEST(::stat("/run/state-a/ledgers", &status) == 0);
  BOOST_TEST((status.st_mode & 07777U) == 0700U);
}

BOOST_AUTO_TEST_CASE(one_that_others_could_write_to_is_refused_with_what_to_do) {
  sh("mkdir -p /run/state-b; chmod 0777 /run/state-b");
  const auto open = error_of([] { netlend::StateDirectory{"/run/state-b"}; });
  BOOST_TEST(open.find("chmod 0700 /run/state-b") != std::string::npos);

  sh("mkdir -p /run/state-c; chmod 0700 /run/state-c; chown 1000 /run/state-c");
  const auto foreign = error_of([] { netlend::StateDirectory{"/run/state-c"}; });
  BOOST_TEST(foreign.find("belongs to user 1000") != std::string::npos);

  sh("mkdir -p /run/victim; ln -sfn /run/victim /run/state-d");
  BOOST_TEST(error_of([] { netlend::StateDirectory{"/run/state-d"}; }) != "");
  BOOST_TEST(sh("ls -A /run/victim") == "");
}

BOOST_AUTO_TEST_CASE(a_read_only_file_system_is_said_before_anything_is_moved) {
  sh("mkdir -p /run/ro; mount -t tmpfs -o ro tmpfs /run/ro");
  const auto error = error_of([] { netlend::StateDirectory{"/run/ro/netlend"}; });
  BOOST_TEST(error.find("EROFS") != std::string::npos);
  sh("umount /run/ro");
}

BOOST_AUTO_TEST_CASE(one_that_is_only_not_opened_is_not_to_be_removed) {
  sh("mkdir -p -m 0700 /run/state-e; touch /run/state-e/ledgers");
  BOOST_TEST(error_of([] { netlend::StateDirectory{"/run/state-e"}; }) ==
             "the state folder '/run/state-e/ledgers' is not a folder; remove it");
  sh("rm /run/state-e/ledgers");
  rlimit before{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto error = error_of([] { netlend::StateDirectory{"/run/state-e"}; });
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST(error == "open the state folder '/run/state-e': Too many open files (EMFILE)");
}

BOOST_AUTO_TEST_SUITE_END()
