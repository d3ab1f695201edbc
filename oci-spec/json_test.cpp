#include "oci-spec/json.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using netlend::Error;
using netlend::JsonComments;
using netlend::JsonDocument;
using namespace std::string_literals;

namespace {
std::string error_of(const std::string& text) {
  try {
    JsonDocument{text};
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

template <typename Query>
std::string error_of_query(const std::string& text, Query query) {
  const JsonDocument document{text};
  try {
    query(document.root());
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(json_documents)

BOOST_AUTO_TEST_CASE(bad_syntax_is_an_error_with_its_place) {
  BOOST_TEST(error_of("{\"a\": tru}").starts_with("parse error at line 1, column 10"));
  for (const auto& bad : {""s, "{"s, "[1,]"s, "{}x"s, "{\"a\":1"s, "nul"s, "01"s, "'a'"s,
                          "{} // c"s, "\"\xff\""s, "\"a\nb\""s, "\"\\ud800\""s, "1e999"s, "[1}"s}) {
    BOOST_TEST(error_of(bad) != "accepted", bad);
  }
}

BOOST_AUTO_TEST_CASE(an_error_repeats_foreign_bytes_only_escaped) {
  BOOST_TEST(error_of("{\"\x1b[2J\"").find('\x1b') == std::string::npos);
  BOOST_TEST(error_of(R"({"\u001b":1,"\u001b":2})") == "/\\x1b: is there twice");
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_and_a_nul_are_refused) {
  BOOST_TEST(error_of("\xef\xbb\xbf{}").find("byte order mark") != std::string::npos);
  BOOST_TEST(error_of("{}\0rubbish"s).find("NUL") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_member_that_is_there_twice_is_refused_at_its_place) {
  BOOST_TEST(error_of(R"({"a":[{"b":1},[2,{"c~/d":1,"e":2,"c~/d":3}]]})") ==
             "/a/1/1/c~0~1d: is there twice");
  BOOST_TEST(error_of(R"([{"a":1},{"a":1}])") == "accepted");
}

BOOST_AUTO_TEST_CASE(depth_is_bounded_whatever_the_size) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  BOOST_TEST(error_of(nested(JsonDocument::kDepthMax)) == "accepted");
  BOOST_TEST(error_of(nested(JsonDocument::kDepthMax + 1)).find("nested more than 32 deep") !=
             std::string::npos);
  BOOST_TEST(error_of(nested(200000)).find("nested") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 200000; ++i) objects += "{\"\":";
  BOOST_TEST(error_of(objects).find("nested") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(size_is_bounded_and_many_siblings_take_no_quadratic_time) {
  BOOST_TEST(error_of(std::string(JsonDocument::kBytesMax + 1, ' ')).find("more than") == 0U);
  std::string siblings = "[{}";
  while (siblings.size() < JsonDocument::kBytesMax - 4) siblings += ",{}";
  BOOST_TEST(JsonDocument{siblings + "]"}.root().elements().size() > 340000U);
}

BOOST_AUTO_TEST_CASE(comments_are_ignored_where_asked_for) {
  const JsonDocument document{"{ // why\n \"a\": /* b */ 1 }", JsonComments::ignored};
  BOOST_TEST(document.root().at("a").number(0, 9) == 1);
}

BOOST_AUTO_TEST_CASE(a_value_of_another_kind_is_refused_at_its_place) {
  const auto is = [](const std::string& text, auto query, const std::string& message) {
    BOOST_TEST(error_of_query(text, query) == message);
  };
  is(
      "[1]", [](auto root) { (void)root.find("a"); }, "top level: expected an object, not array");
  is(
      "[1]", [](auto root) { (void)root.elements()[0].text(); },
      "/0: expected a string, not number");
  is(R"({"a":{}})", [](auto root) { (void)root.at("a").elements(); },
     "/a: expected an array, not object");
  is(R"({"a":null})", [](auto root) { (void)root.at("a").boolean(); },
     "/a: expected true or false, not null");
  is(R"({"a":1.0})", [](auto root) { (void)root.at("a").number(0, 9); },
     "/a: expected a whole number, not 1.0");
  is(R"({"a":10})", [](auto root) { (void)root.at("a").number(0, 9); },
     "/a: 10 is not within 0 and 9");
  is(R"({"a":-1})", [](auto root) { (void)root.at("a").number(0, 9); },
     "/a: -1 is not within 0 and 9");
  is(R"({"a":18446744073709551615})", [](auto root) { (void)root.at("a").number(0, INT64_MAX); },
     "/a: 18446744073709551615 is not within 0 and 9223372036854775807");
  is(R"({"a":"\u0000"})", [](auto root) { (void)root.at("a").text(); }, "/a: a NUL in a string");
  is(
      "{}", [](auto root) { (void)root.at("a/b"); }, "/a~1b: is missing");
  is(R"({"x":1})",
     [](auto root) {
       root.allow_only({"a", "b"});
     },
     "/x: unknown; known are 'a', 'b'");
}

BOOST_AUTO_TEST_CASE(a_number_of_64_bits_without_sign_is_read_whole) {
  const auto number = [](const std::string& text) {
    return JsonDocument{text}.root().unsigned_number();
  };
  BOOST_TEST(number("0") == 0U);
  BOOST_TEST(number("18446744073709551615") == UINT64_MAX);
  BOOST_TEST(error_of_query("-1", [](auto root) { (void)root.unsigned_number(); }) ==
             "top level: -1 is below 0");
  BOOST_TEST(error_of_query("1.5", [](auto root) { (void)root.unsigned_number(); }) ==
             "top level: expected a whole number, not 1.5");
}

BOOST_AUTO_TEST_CASE(null_and_what_holds_nothing_is_empty) {
  const auto is_empty = [](const std::string& text) {
    return JsonDocument{text}.root().is_empty();
  };
  for (const char* empty : {"null", "{}", "[]", R"("")"}) BOOST_TEST(is_empty(empty), empty);
  for (const char* full : {"0", "false", "[null]", R"({"a":{}})", R"(" ")"}) {
    BOOST_TEST(!is_empty(full), full);
  }
}

BOOST_AUTO_TEST_SUITE_END()
