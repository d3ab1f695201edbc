#include "net/ledger/state_directory.hpp"

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

BOOST_AUTO_TEST_SUITE_END()
