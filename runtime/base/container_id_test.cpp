#include "base/container_id.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using netlend::ContainerId;

BOOST_AUTO_TEST_SUITE(container_id)

BOOST_AUTO_TEST_CASE(names_that_engines_give_are_accepted) {
  BOOST_TEST(ContainerId("db1").str() == "db1");
  BOOST_TEST(ContainerId("a.b_c+d-e").str() == "a.b_c+d-e");
  BOOST_TEST(ContainerId(std::string(128, 'a')).str().size() == 128U);
}

BOOST_AUTO_TEST_CASE(names_that_could_leave_the_state_folder_are_refused) {
  for (const char* bad : {"", ".", "..", "../victim", "a/b", ".hidden", "a b", "a\nb", "\xff"}) {
    BOOST_CHECK_THROW(ContainerId{bad}, netlend::Error);
  }
  BOOST_CHECK_THROW(ContainerId{std::string(129, 'a')}, netlend::Error);
}

BOOST_AUTO_TEST_SUITE_END()
