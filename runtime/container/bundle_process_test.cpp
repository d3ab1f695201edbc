#include "container/bundle_process.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using netlend::environment_of;
using netlend::oci::Process;

BOOST_AUTO_TEST_SUITE(bundle_process)

BOOST_AUTO_TEST_CASE(home_is_looked_up_where_none_is_given) {
  Process process;
  process.env = {"PATH=/bin"};
  const std::vector<std::string> roots{"PATH=/bin", "HOME=/root"};
  BOOST_TEST(environment_of(process) == roots, boost::test_tools::per_element());

  process.user.uid = 4'000'000'000U;
  BOOST_TEST(environment_of(process).back() == "HOME=/");

  process.env = {"HOME=/before", "HOME="};
  BOOST_TEST(environment_of(process) == (std::vector<std::string>{"HOME=/"}),
             boost::test_tools::per_element());

  process.env = {"HOME=/given"};
  BOOST_TEST(environment_of(process) == process.env, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_variable_that_is_set_twice_is_what_it_is_last) {
  Process process;
  process.env = {"A=1", "HOME=/h", "B=", "A=2=3", "A_B=4", "B"};
  const std::vector<std::string> once{"HOME=/h", "A=2=3", "A_B=4", "B"};
  BOOST_TEST(environment_of(process) == once, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
