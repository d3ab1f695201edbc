#include "net/policy/policy_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "net/schema_fixture.hpp"

using netlend::ConfigurationPart;
using netlend::Error;
using netlend::parse_configuration;
using netlend::PolicyRule;
using netlend::test::Schema;
using nlohmann::json;

namespace {
constexpr std::size_t kFileMax = std::size_t{64} * 1024;

json parse_with_comments(const std::string& text) {
  constexpr bool kIgnoreComments = true;
  return json::parse(text, nullptr, true, kIgnoreComments);
}

bool reader_accepts(const std::string& text) {
  try {
    parse_configuration(text);
  } catch (const Error&) {
    return false;
  }
  return true;
}

std::string with_rule(const std::string& rule) {
  return fmt::format(R"({{"netlend":1,"allow":[{}]}})", rule);
}

PolicyRule rule(const std::string& text) {
  return parse_configuration(with_rule(text)).rules.at(0);
}

PolicyRule lan0() { return rule(R"({"device":"lan0"})"); }

/// A configuration and a state of its own; /run is this program's (integration/support).
struct Machine {
  Machine() { std::filesystem::create_directory("/run/rules"); }
  ~Machine() { std::filesystem::remove_all("/run/rules"); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  Machine(Machine&&) = delete;
  Machine& operator=(Machine&&) = delete;

  void allow(const PolicyRule& rule) const { allow_rule(state, rule, folder); }
  void disallow(const PolicyRule& rule) const { disallow_rule(state, rule, folder); }
  std::string error_of_disallow(const PolicyRule& rule) const {
    try {
      disallow(rule);
    } catch (const Error& error) {
      return error.what();
    }
    return "taken back";
  }
  std::string error_of_allow(const PolicyRule& rule) const {
    try {
      allow(rule);
    } catch (const Error& error) {
      return error.what();
    }
    return "allowed";
  }
  std::vector<PolicyRule> rules() const {
    std::vector<PolicyRule> all;
    for (const auto& read : netlend::read_policy_files(folder)) {
      all.insert(all.end(), read.part.rules.begin(), read.part.rules.end());
    }
    return all;
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(folder + "/conf.d");
    std::ofstream(folder + "/" + name) << text;
    ::chmod((folder + "/" + name).c_str(), 0644);
  }
  std::string text_of(const std::string& name) const {
    return netlend::read_file(AT_FDCWD, folder + "/" + name, kFileMax);
  }

  const std::string folder = "/run/rules/etc/netlend";
  const std::string file = folder + "/conf.d/50-netlend-allow.conf";
  const netlend::StateDirectory state{"/run/rules-state"};
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  BOOST_TEST(::lstat(path.c_str(), &status) == 0, path);
  return status.st_mode & 07777U;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(policy_files)

BOOST_AUTO_TEST_CASE(the_reader_and_the_schema_accept_the_same) {
  const Schema schema{NETLEND_POLICY_SCHEMA};
  for (const auto& text :
       {std::string{R"({"netlend":1})"}, std::string{R"({"netlend":1,"allow":[]})"},
        std::string{"// none yet\n{\"netlend\":1 /* the first */}"},
        with_rule(R"({"device":"lan0"},{"veth":true})"),
        with_rule(R"({"device":"*","to":"db*","inside":"eth?"})"),
        with_rule(R"({"device":"lan0","veth":false})"),
        with_rule(R"({"device":"*","cgroup":"/lan.slice/*","bundle":"/srv/[a-d]?/..a"})"),
        with_rule(R"({"veth":true,"cgroup":"*","bundle":"*/db1"})"),
        with_rule(R"({"device":"lan0","addresses":["10.0.0.0/8"],"keep_addresses":true})"),
        with_rule(R"({"veth":true,"host_name":"h*","bridge":"br0","host_addresses":true})"),
        with_rule(R"({"veth":true,"host_addresses":false,"to":"db1","inside":"eth0"})"),
        std::string{R"({"netlend":1,"guardian":false})"},
        with_rule(R"({"device":"driver:veth","addresses":[]})"),
        with_rule(
            R"({"veth":true,"addresses":["0.0.0.0/0","10.0.0.7/32","::/0","2001:db8::/64"]})")}) {
    BOOST_TEST(reader_accepts(text), text);
    BOOST_TEST(schema.accepts(parse_with_comments(text)), text);
  }
}

BOOST_AUTO_TEST_CASE(the_reader_and_the_schema_refuse_the_same) {
  const Schema schema{NETLEND_POLICY_SCHEMA};
  for (const auto& text : {std::string{"[]"},
                           std::string{"{}"},
                           std::string{"null"},
                           std::string{R"({"allow":[]})"},
                           std::string{R"({"netlend":2})"},
                           std::string{R"({"netlend":"1"})"},
                           std::string{R"({"netlend":1,"deny":[]})"},
                           std::string{R"({"netlend":1,"allow":{}})"},
                           std::string{R"({"netlend":1,"allow":null})"},
                           std::string{R"({"netlend":1,"guardian":"no"})"},
                           std::string{R"({"netlend":1,"guardian":null})"},
                           with_rule(R"({"addresses":["10.0.0.0/8"]})"),
                           with_rule(R"({"device":"*","addresses":"10.0.0.0/8"})"),
                           with_rule(R"({"device":"*","addresses":["10.0.0.7"]})"),
                           with_rule(R"({"device":"*","addresses":["10.0.0.0/33"]})"),
                           with_rule(R"({"device":"*","addresses":[7]})"),
                           with_rule("{}"),
                           with_rule("null"),
                           with_rule(R"("lan0")"),
                           with_rule(R"({"to":"*"})"),
                           with_rule(R"({"veth":false})"),
                           with_rule(R"({"device":"*","veth":true})"),
                           with_rule(R"({"veth":"true"})"),
                           with_rule(R"({"veth":1})"),
                           with_rule(R"({"device":"*","veth":null})"),
                           with_rule(R"({"device":"*","bridge":"*"})"),
                           with_rule(R"({"device":"*","host_name":"*"})"),
                           with_rule(R"({"device":"*","host_addresses":false})"),
                           with_rule(R"({"device":"*","veth":false,"bridge":"*"})"),
                           with_rule(R"({"veth":true,"host_addresses":"yes"})"),
                           with_rule(R"({"veth":true,"bridge":["br0"]})"),
                           with_rule(R"({"device":""})"),
                           with_rule(R"({"device":"*","to":""})"),
                           with_rule(R"({"device":"*","keep_addresses":true})"),
                           with_rule(R"({"device":"*","addresses":[],"keep_addresses":"no"})"),
                           with_rule(R"({"veth":true,"addresses":[],"keep_addresses":true})"),
                           with_rule(R"({"device":["*"]})"),
                           with_rule(R"({"device":7})"),
                           with_rule(R"({"device":"lan\u0000"})"),
                           with_rule(R"({"device":"*","to":null})"),
                           with_rule(R"({"device":"*","cgroup":""})"),
                           with_rule(R"({"device":"*","cgroup":"/lan/../db"})"),
                           with_rule(R"({"device":"*","cgroup":"/lan/."})"),
                           with_rule(R"({"device":"*","cgroup":["/lan"]})"),
                           with_rule(R"({"device":"*","bundle":"/srv/"})"),
                           with_rule(R"({"device":"*","bundle":"/srv//db1"})"),
                           with_rule(R"({"device":"*","bundle":null})"),
                           with_rule(R"({"device":"*","From":"*"})"),
                           with_rule(R"({"device":"lan0"},{"device":"lan1","inside":0})")}) {
    BOOST_TEST(!reader_accepts(text), text);
    BOOST_TEST(!schema.accepts(parse_with_comments(text)), text);
  }
}

BOOST_AUTO_TEST_CASE(rules_survive_being_written_and_read) {
  const Schema schema{NETLEND_POLICY_SCHEMA};
  const ConfigurationPart part{
      .rules = {lan0(), rule(R"({"device":"a\"\\*\u00e9","to":"db*","inside":"eth?"})"),
                rule(R"({"veth":true})"),
                rule(R"({"device":"*","addresses":[],"keep_addresses":true})"),
                rule(R"({"device":"*","cgroup":"/lan*","bundle":"/srv/\u00e9"})"),
                rule(R"({"veth":true,"host_name":"h*","bridge":"br0","host_addresses":true,)"
                     R"("to":"x","addresses":["10.0.0.0/8","2001:db8::/64"]})")},
      .guardian = false};
  const std::string text = netlend::format_configuration(part);
  BOOST_TEST((parse_configuration(text) == part), text);
  BOOST_TEST(schema.accepts(parse_with_comments(text)), text);
  BOOST_TEST(schema.accepts(parse_with_comments(netlend::format_configuration({}))));
  const ConfigurationPart bad{.rules = {PolicyRule{.device = "lan\xff"}}, .guardian = {}};
  BOOST_CHECK_THROW(netlend::format_configuration(bad), Error);
}

BOOST_FIXTURE_TEST_CASE(what_is_allowed_is_written_where_everybody_can_read_it, Machine) {
  const mode_t before = ::umask(0077);
  std::filesystem::create_directory("/run/rules/etc");
  allow(lan0());
  ::umask(before);
  BOOST_TEST((rules() == std::vector{lan0()}));
  BOOST_TEST(mode_of(folder) == 0755U);
  BOOST_TEST(mode_of(folder + "/conf.d") == 0755U);
  BOOST_TEST(mode_of(file) == 0644U);
  BOOST_TEST(text_of("conf.d/50-netlend-allow.conf") ==
             "// Written by 'netlend allow' and 'netlend disallow', which keep no other comments.\n"
             "{\n"
             "  \"netlend\": 1,\n"
             "  \"allow\": [\n"
             "    {\"device\":\"lan0\"}\n"
             "  ]\n"
             "}\n");
}

BOOST_FIXTURE_TEST_CASE(the_same_rule_twice_is_one_rule, Machine) {
  allow(lan0());
  allow(lan0());
  const auto narrower = rule(R"({"device":"lan0","to":"db1"})");
  allow(narrower);
  BOOST_TEST((rules() == std::vector{lan0(), narrower}));
  disallow(lan0());
  BOOST_TEST((rules() == std::vector{narrower}));
}

BOOST_FIXTURE_TEST_CASE(the_administrators_files_stay_as_they_are, Machine) {
  const std::string own = R"(/* mine */ {"netlend":1,"allow":[{"device":"wan0"}]})";
  write("netlend.conf", own);
  write("conf.d/10-lan.conf", own);
  ::chmod(folder.c_str(), 0750);
  allow(rule(R"({"device":"wan0"})"));
  BOOST_TEST(!std::filesystem::exists(file));
  allow(lan0());
  disallow(lan0());
  BOOST_TEST(!std::filesystem::exists(file));
  BOOST_TEST(text_of("netlend.conf") == own);
  BOOST_TEST(text_of("conf.d/10-lan.conf") == own);
  BOOST_TEST(mode_of(folder) == 0750U);
}

BOOST_FIXTURE_TEST_CASE(a_rule_of_the_administrators_is_not_taken_back_and_its_file_named,
                        Machine) {
  allow(lan0());
  write("conf.d/10-lan.conf", with_rule(R"({"device":"lan0"})"));
  const std::string wanted = fmt::format(
      "take back the rule {{\"device\":\"lan0\"}}: it stands in '{}/conf.d/10-lan.conf', which is "
      "not written by 'netlend allow'; take it out there",
      folder);
  BOOST_TEST(error_of_disallow(lan0()) == wanted);
  BOOST_TEST(!std::filesystem::exists(file));
  BOOST_TEST(error_of_disallow(lan0()) == wanted);
}

BOOST_FIXTURE_TEST_CASE(a_rule_that_is_nowhere_cannot_be_taken_back, Machine) {
  const std::string wanted = fmt::format(
      "take back the rule {{\"device\":\"lan0\"}}: no file in '{}' has it; give the words that it "
      "was allowed with",
      folder);
  BOOST_TEST(error_of_disallow(lan0()) == wanted);
  BOOST_TEST(!std::filesystem::exists("/run/rules/etc"));
  allow(rule(R"({"device":"lan0","to":"db1"})"));
  BOOST_TEST(error_of_disallow(lan0()) == wanted);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_written_beside_what_cannot_be_trusted_or_understood, Machine) {
  write("conf.d/10-lan.conf", "{\"netlend\":1,");
  BOOST_TEST(error_of_allow(lan0()).find("10-lan.conf': parse error") != std::string::npos);
  write("conf.d/10-lan.conf", R"({"netlend":1})");
  for (const std::string& way : {folder + "/conf.d", folder}) {
    ::chmod(way.c_str(), 0777);
    BOOST_TEST(error_of_allow(lan0()).find("others could write rules") != std::string::npos);
    ::chmod(way.c_str(), 0755);
  }
  std::filesystem::create_symlink("10-lan.conf", file);
  BOOST_TEST(error_of_allow(lan0()).find("is a symbolic link") != std::string::npos);
  std::filesystem::remove(file);
  BOOST_TEST(rules().empty());
  BOOST_TEST(error_of_allow(lan0()) == "allowed");
}

BOOST_FIXTURE_TEST_CASE(many_at_once_lose_no_rule, Machine) {
  constexpr int kWriters = 8;
  for (int i = 0; i < kWriters; ++i) {
    if (::fork() != 0) continue;
    ::_exit(error_of_allow({.device = fmt::format("lan{}", i)}) == "allowed" ? 0 : 1);
  }
  for (int i = 0; i < kWriters; ++i) {
    int status = -1;
    BOOST_TEST(::wait(&status) != -1);
    BOOST_TEST(status == 0);
  }
  BOOST_TEST(rules().size() == static_cast<std::size_t>(kWriters));
}

BOOST_AUTO_TEST_SUITE_END()
