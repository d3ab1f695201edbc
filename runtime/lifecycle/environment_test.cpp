#include "lifecycle/environment.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(environment)

BOOST_AUTO_TEST_CASE(terminal_and_language_stay_and_secrets_and_paths_do_not) {
  const auto result = netlend::command_environment(
      {"TERM=xterm", "LC_TIME=de_DE.UTF-8", "LANG=C.UTF-8", "PATH=/home/alice/bin",
       "HOME=/home/alice", "AWS_SECRET_ACCESS_KEY=x", "LD_PRELOAD=/tmp/x.so", "TERMINAL=x"});
  const std::vector<std::string> expected{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/root",
      "USER=root",
      "LOGNAME=root",
      "container=netlend",
      "TERM=xterm",
      "LC_TIME=de_DE.UTF-8",
      "LANG=C.UTF-8"};
  BOOST_TEST(result == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
