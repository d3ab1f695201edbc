#include "cli/table.hpp"

#include <boost/test/unit_test.hpp>

namespace netlend::cli {

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell) {
  BOOST_TEST(format_table({{"DEVICE", "TO"}, {"a", "box one"}, {"longer-name", "b"}}) ==
             "DEVICE       TO\n"
             "a            box one\n"
             "longer-name  b\n");
}

BOOST_AUTO_TEST_CASE(hostile_bytes_are_escaped_and_counted_as_they_are_shown) {
  BOOST_TEST(format_table({{"a\x1b[2J", "x"}, {"b", "y"}}) ==
             "a\\x1b[2J  x\n"
             "b         y\n");
}

BOOST_AUTO_TEST_CASE(long_text_goes_on_below_its_beginning) {
  BOOST_TEST(wrap("  route  ", "10.0.0.0/24 via 10.1.0.1 proto static", 24) ==
             "  route  10.0.0.0/24 via\n"
             "           10.1.0.1\n"
             "           proto static\n");
}

BOOST_AUTO_TEST_CASE(a_word_that_is_too_long_has_its_own_line) {
  BOOST_TEST(wrap("- ", "aaaaaaaaaaaa b", 6) ==
             "- aaaaaaaaaaaa\n"
             "    b\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
