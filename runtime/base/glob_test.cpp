#include "base/glob.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/text.hpp"

using netlend::bytes_that;
using netlend::ByteSet;
using netlend::example_of;
using netlend::matches_glob;
using netlend::TextShape;

namespace {
/// Two to four small letters.
TextShape letters() {
  return {
      .places = std::vector<ByteSet>(4, bytes_that([](char c) { return c >= 'a' && c <= 'z'; })),
      .least_bytes = 2};
}

std::string refusal(const std::string& pattern) {
  try {
    example_of(pattern, letters());
  } catch (const netlend::Error& error) {
    BOOST_TEST((error.kind() == netlend::ErrorKind::usage));
    return error.what();
  }
  return "nothing was refused";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(globs)

BOOST_AUTO_TEST_CASE(a_literal_glob_matches_its_text_and_no_other) {
  for (const std::string text :
       {"lan0", "eth0.5", "-x", "--to", "", "*", "l?n", "[a]", "!", "]", "$(id)", "{}", "~", "a;b",
        "`id`", "#", "^", "[!a]", "[[:alpha:]]"}) {
    const std::string pattern = netlend::glob_literal(text);
    BOOST_TEST(matches_glob(pattern, text), pattern);
    BOOST_TEST(!pattern.starts_with('-'));
    for (const std::string other : {"lan1", "lan", "lan00", "a", "ab", "a-", "eth0-5", "eth0x5",
                                    "lon", "lxn", "+x", "[", "!", "\x7f", "'"}) {
      BOOST_TEST(matches_glob(pattern, other) == (other == text), pattern << " " << other);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_literal_glob_is_of_what_no_shell_and_no_log_changes) {
  for (const std::string text :
       {"a'b", "\"", "\\", "a\\*", "a\x01", "a\x7f", "a\x80", "a\xff", "a\n", "a b", "lan0"}) {
    const std::string pattern = netlend::glob_literal(text);
    BOOST_TEST(matches_glob(pattern, text), pattern);
    BOOST_TEST(pattern.find_first_of("'\"\\") == std::string::npos);
    BOOST_TEST(netlend::printable(pattern) == pattern);
    for (const char* other : {"lan1", "a", "ab", "a-", "a.b", "axb"}) {
      BOOST_TEST(!matches_glob(pattern, other), pattern);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_example_is_of_the_shape_and_matches) {
  for (const char* pattern :
       {"*", "**", "?*", "??", "????", "ab", "abcd", "a*d", "*z", "[x-z]?", "[!a-y]*", "\\a\\b",
        "[[:alpha:]]?", "[]a]?", "[a\\]]?", "*?*?*", "a*b*c*d", "[^0-9]?", "[[=a=]][[.b.]]"}) {
    const auto example = example_of(pattern, letters());
    BOOST_REQUIRE_MESSAGE(example, pattern);
    BOOST_TEST(matches_glob(pattern, *example), pattern << " " << *example);
    BOOST_TEST((example->size() >= 2U && example->size() <= 4U), *example);
    BOOST_TEST(example->find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_matches_nothing_of_the_shape_has_no_example) {
  for (const char* pattern : {"a", "?", "abcde", "?????", "*a*b*c*d*e*", "A*", "[0-9]?", "a b",
                              "a\\*", "*1", "]b", "[[:digit:]]*"}) {
    BOOST_TEST(!example_of(pattern, letters()).has_value(), pattern);
  }
}

BOOST_AUTO_TEST_CASE(a_shape_can_have_its_own_bytes_at_each_place) {
  const auto only = [](char wanted) { return bytes_that([=](char c) { return c == wanted; }); };
  const TextShape shape{.places = {only('a'), only(':'), only('b')}, .least_bytes = 3};
  for (const char* pattern : {"*", "a:b", "a*", "*b", "?:?"}) {
    BOOST_TEST(example_of(pattern, shape).value_or("") == "a:b", pattern);
  }
  for (const char* pattern : {"a:", "b*", "a?b?", ":*"}) {
    BOOST_TEST(!example_of(pattern, shape).has_value(), pattern);
  }
}

BOOST_AUTO_TEST_CASE(a_broken_pattern_is_refused) {
  for (const char* pattern :
       {"lan[", "[", "[]", "[!]", "[a", "[a-", "[[:alpha:]", "a[b\\]", "[a]["}) {
    BOOST_TEST(refusal(pattern) ==
               "'" + std::string(pattern) +
                   "': no ']' closes the '['; the character itself is written '[[]'");
  }
  BOOST_TEST(refusal("lan\\") == "'lan\\': nothing stands behind the '\\'");
  for (const char* set : {"[z-a]", "[[:nope:]]", "[!\x01-\xff]"}) {
    BOOST_TEST(refusal(std::string("lan") + set).ends_with("stands for no character"));
  }
  BOOST_TEST(refusal("") == "an empty pattern matches nothing; '*' would match all");
  BOOST_TEST(refusal(std::string(4097, '*')).ends_with("a pattern has at most 4096 bytes"));
  BOOST_TEST(refusal(std::string(4096, '*')) == "nothing was refused");
}

BOOST_AUTO_TEST_SUITE_END()
