#include "oci-spec/state.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "oci-spec/refusals.hpp"

using netlend::oci::Bad;
using netlend::oci::check_refused;
using netlend::oci::format_state;
using netlend::oci::parse_state;
using namespace std::string_literals;

namespace {
// A state with one member replaced or added.
std::string state_with(const std::string& member, const std::string& value) {
  std::vector<std::pair<std::string, std::string>> members{{"ociVersion", R"("1.0.2")"},
                                                           {"id", R"("db1")"},
                                                           {"status", R"("creating")"},
                                                           {"pid", "42"},
                                                           {"bundle", R"("/b")"}};
  bool replaced = false;
  for (auto& [key, text] : members) {
    if (key != member) continue;
    text = value;
    replaced = true;
  }
  if (!replaced) members.emplace_back(member, value);
  std::string json = "{";
  for (const auto& [key, text] : members) {
    if (text.empty()) continue;
    json.append(json.size() > 1 ? ",\"" : "\"").append(key).append("\":").append(text);
  }
  return json + "}";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(state_documents)

BOOST_AUTO_TEST_CASE(the_state_that_runc_gives_its_hooks_is_read) {
  const auto state = parse_state(R"({"ociVersion":"1.0.2-dev","id":"db1","status":"creating",
      "pid":4242,"bundle":"/srv/db1","annotations":{"io.netlend.nic.eth1":"lan0 mtu=1400"}})");
  BOOST_TEST(state.oci_version == "1.0.2-dev");
  BOOST_TEST(state.id.str() == "db1");
  BOOST_TEST(state.status == "creating");
  BOOST_TEST(state.pid.value() == 4242);
  BOOST_TEST(state.bundle == "/srv/db1");
  BOOST_TEST(state.annotations->at("io.netlend.nic.eth1") == "lan0 mtu=1400");
}

BOOST_AUTO_TEST_CASE(the_state_that_crun_gives_its_hooks_is_read) {
  const auto state = parse_state(R"({"ociVersion":"1.0","id":"db1","pid":7,"root":"/var/db1",
    "bundle":"/run/db1","status":"created","annotations":{}})");
  BOOST_TEST(state.oci_version == "1.0");
  BOOST_TEST(state.status == "created");
}

BOOST_AUTO_TEST_CASE(a_stopped_container_has_no_process) {
  BOOST_TEST(!parse_state(state_with("pid", "")).pid.has_value());
  BOOST_TEST(!parse_state(state_with("pid", "0")).pid.has_value());
  BOOST_TEST(!parse_state(state_with("pid", "null")).pid.has_value());
}

BOOST_AUTO_TEST_CASE(annotations_that_are_absent_are_not_empty_ones) {
  BOOST_TEST(!parse_state(state_with("annotations", "")).annotations.has_value());
  BOOST_TEST(!parse_state(state_with("annotations", "null")).annotations.has_value());
  BOOST_TEST(parse_state(state_with("annotations", "{}")).annotations->empty());
}

BOOST_AUTO_TEST_CASE(members_of_other_runtimes_are_passed_over) {
  BOOST_TEST(parse_state(state_with("root", R"("/rootfs")")).id.str() == "db1");
  BOOST_TEST(parse_state(state_with("created", "[[[]]]")).id.str() == "db1");
}

BOOST_AUTO_TEST_CASE(a_state_is_read_as_it_was_written) {
  netlend::oci::State state{.oci_version = "1.3.0",
                            .id = netlend::ContainerId{"db1"},
                            .status = "created",
                            .pid = 42,
                            .bundle = "/srv/\"db1\"",
                            .annotations = netlend::oci::Annotations{{"a", "b"}, {"c", ""}}};
  BOOST_TEST((parse_state(format_state(state)) == state));
  state.pid.reset();
  state.annotations.reset();
  BOOST_TEST(format_state(state) ==
             R"({"bundle":"/srv/\"db1\"","id":"db1","ociVersion":"1.3.0","status":"created"})");
}

BOOST_AUTO_TEST_CASE(a_bundle_whose_path_json_can_not_hold_is_an_error) {
  BOOST_CHECK_EXCEPTION(format_state({.oci_version = "1.3.0",
                                      .id = netlend::ContainerId{"db1"},
                                      .status = "created",
                                      .bundle = "/srv/\xff"}),
                        netlend::Error, [](const netlend::Error& error) {
                          return error.what() ==
                                 "bundle '/srv/\\xff': its path is not UTF-8, which JSON needs"s;
                        });
}

BOOST_AUTO_TEST_CASE(a_bad_state_is_refused_at_its_place) {
  const std::vector<Bad> table{
      {"", "parse error at line 1, column 1"},
      {"{", "parse error"},
      {R"({"id":"db)", "parse error"},
      {"[]", "top level: expected an object, not array"},
      {"null", "top level: expected an object, not null"},
      {"\"creating\"", "top level: expected an object, not string"},
      {"\xef\xbb\xbf" + state_with("pid", "1"), "begins with a byte order mark"},
      {state_with("pid", "1") + "\0"s, "a NUL byte"},
      {state_with("id", "\"db1\",\"id\":\"db2\""), "/id: is there twice"},
      {state_with("annotations", R"({"a":"1","a":"2"})"), "/annotations/a: is there twice"},
      {state_with("x", std::string(200000, '[')), "/x/0/0/"},
      {std::string(200000, '['), "/0/0/"},
      {state_with("x", '"' + std::string(1 << 20, 'x') + '"'), "more than 1048576 bytes"},
      {state_with("ociVersion", ""), "/ociVersion: is missing"},
      {state_with("ociVersion", R"("9.9.9")"), "/ociVersion: '9.9.9'; netlend knows versions 1.x"},
      {state_with("ociVersion", R"("1.1")"), "/ociVersion: '1.1'; netlend knows"},
      {state_with("ociVersion", "1"), "/ociVersion: expected a string, not number"},
      {state_with("id", ""), "/id: is missing"},
      {state_with("id", "7"), "/id: expected a string, not number"},
      {state_with("id", R"("../victim")"), "/id: container id '../victim': use 1 to 128"},
      {state_with("id", R"("a\u0000b")"), "/id: a NUL in a string"},
      {state_with("status", ""), "/status: is missing"},
      {state_with("status", "false"), "/status: expected a string, not boolean"},
      {state_with("pid", R"("42")"), "/pid: expected a whole number, not string"},
      {state_with("pid", "-1"), "/pid: -1 is not within 0 and 2147483647"},
      {state_with("pid", "4294967338"), "/pid: 4294967338 is not within"},
      {state_with("pid", "42.0"), "/pid: expected a whole number"},
      {state_with("bundle", ""), "/bundle: is missing"},
      {state_with("bundle", R"("srv/db1")"), "/bundle: 'srv/db1' is no absolute path"},
      {state_with("bundle", R"("")"), "/bundle: '' is no absolute path"},
      {state_with("annotations", "[]"), "/annotations: expected an object, not array"},
      {state_with("annotations", R"({"a":1})"), "/annotations/a: expected a string, not number"},
      {state_with("annotations", R"({"":"x"})"), "/annotations/: an annotation needs a key"},
  };
  check_refused(table, parse_state);
}

BOOST_AUTO_TEST_SUITE_END()
