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

BOOST_AUTO_TEST_CASE(what_an_engine_made_up_is_shown_as_engines_do) {
  const netlend::ContainerId made_up{std::string(60, 'a') + "0123"};
  BOOST_TEST(made_up.is_made_up());
  BOOST_TEST(made_up.short_str() == "aaaaaaaaaaaa");
  for (const std::string& own :
       {std::string("db1"), std::string(64, 'x'), std::string(63, 'a'), std::string(66, 'a')}) {
    BOOST_TEST(!netlend::ContainerId{own}.is_made_up());
    BOOST_TEST(netlend::ContainerId{own}.short_str() == own);
  }
}

BOOST_AUTO_TEST_SUITE_END()
