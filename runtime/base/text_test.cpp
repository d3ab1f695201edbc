#include "base/text.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(foreign_bytes_cannot_forge_a_line_of_a_log) {
  BOOST_TEST(netlend::printable("a\nb\x1b[0m") == "a\\x0ab\\x1b[0m");
  BOOST_TEST(netlend::printable(std::string(300, 'x')) == std::string(256, 'x') + "...");
}

BOOST_AUTO_TEST_CASE(numbers_are_read_to_their_end) {
  BOOST_TEST(netlend::parse_number("1500", 65535).value() == 1500U);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x10", "65536", "99999999999999999999"}) {
    BOOST_TEST(!netlend::parse_number(bad, 65535).has_value());
  }
}

BOOST_AUTO_TEST_CASE(hex_survives_a_round_trip) {
  const std::string bytes{"\x00\x7f\xff", 3};
  BOOST_TEST(netlend::to_hex(bytes) == "007fff");
  BOOST_TEST(netlend::from_hex("007FfF").value() == bytes);
  BOOST_TEST(!netlend::from_hex("0").has_value());
  BOOST_TEST(!netlend::from_hex("0g").has_value());
}

BOOST_AUTO_TEST_CASE(any_bytes_survive_a_round_trip_through_text_for_json) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  BOOST_TEST(netlend::bytes_from_utf8(netlend::bytes_to_utf8(all)).value() == all);
  BOOST_TEST(netlend::bytes_to_utf8("eth0") == "eth0");
  for (const char* bad : {"\xc2", "\xc4\x80", "\xff", "\xc2\x41"}) {
    BOOST_TEST(!netlend::bytes_from_utf8(bad).has_value());
  }
}

BOOST_AUTO_TEST_CASE(words_are_split_at_blanks_and_semicolons) {
  const auto words = netlend::split_words(" a=b;;c=d  e ", " ;");
  BOOST_REQUIRE(words.size() == 3U);
  BOOST_TEST(words[0] == "a=b");
  BOOST_TEST(words[2] == "e");
}

BOOST_AUTO_TEST_SUITE_END()
