#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/policy/policy.hpp"
#include "net/policy/policy_file.hpp"

using netlend::AddressPlan;
using netlend::ContainerId;
using netlend::Error;
using netlend::parse_configuration;
using netlend::parse_l3_spec;
using netlend::Policy;

namespace {
std::string refusal(const std::string& rules, const std::vector<AddressPlan>& wanted) {
  const Policy policy{parse_configuration(R"({"netlend":1,"allow":[)" + rules + "]}").rules};
  try {
    policy.check_addresses({.id = ContainerId{"web"}, .cgroup = "/web.slice"}, wanted);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
}  // namespace

BOOST_AUTO_TEST_SUITE(policy_for_addresses)

BOOST_AUTO_TEST_CASE(each_address_needs_a_rule_that_has_it) {
  const std::vector<AddressPlan> wanted{parse_l3_spec("192.0.2.10 2001:db8::1")};
  BOOST_TEST(refusal(R"({"l3":true,"addresses":["192.0.2.0/24","2001:db8::/64"]})", wanted) == "");
  BOOST_TEST(refusal(R"({"l3":true,"addresses":["192.0.2.0/24"]},
                        {"l3":true,"addresses":["2001:db8::1/128"],"to":"web*","inside":"eth0",
                         "cgroup":"/web.slice"})",
                     wanted) == "");
  const auto some = refusal(R"({"l3":true,"addresses":["192.0.2.0/24"]})", wanted);
  BOOST_TEST(some.find("lend '2001:db8::1' to container 'web'") != std::string::npos, some);
  const auto all = refusal("", wanted);
  BOOST_TEST(all.ends_with("type: netlend allow 192.0.2.10 --to 'web' --inside 'eth0'; netlend "
                           "allow 2001:db8::1 --to 'web' --inside 'eth0'"),
             all);
}

BOOST_AUTO_TEST_CASE(rules_for_others_names_or_devices_allow_no_address) {
  const std::vector<AddressPlan> wanted{parse_l3_spec("192.0.2.10")};
  for (const std::string rule :
       {R"({"device":"*","addresses":["192.0.2.0/24"]})", R"({"veth":true})",
        R"({"l3":true,"addresses":["192.0.2.0/24"],"to":"db*"})",
        R"({"l3":true,"addresses":["192.0.2.0/24"],"inside":"eth1"})",
        R"({"l3":true,"addresses":["192.0.2.0/24"],"cgroup":"/db.slice"})",
        R"({"l3":true,"addresses":["192.0.2.0/24"],"bundle":"/srv/web"})",
        R"({"l3":true,"addresses":[]})"}) {
    BOOST_TEST(refusal(rule, wanted) != "", rule);
  }
}

BOOST_AUTO_TEST_CASE(a_rule_for_addresses_is_for_nothing_else) {
  const auto why_bad = [](const std::string& rule) -> std::string {
    try {
      (void)parse_configuration(R"({"netlend":1,"allow":[)" + rule + "]}");
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  BOOST_TEST(why_bad(R"({"l3":true})").find("names the \"addresses\"") != std::string::npos);
  BOOST_TEST(why_bad(R"({"l3":true,"device":"a","addresses":[]})").find("either") !=
             std::string::npos);
  BOOST_TEST(why_bad(R"({"l3":true,"addresses":[],"bridge":"br0"})") != "");
  BOOST_TEST(why_bad(R"({"l3":true,"addresses":[],"keep_addresses":true})") != "");
  const auto part = parse_configuration(
      R"({"netlend":1,"allow":[{"l3":true,"to":"web","addresses":["192.0.2.0/24"]}]})");
  BOOST_CHECK(parse_configuration(netlend::format_configuration(part)) == part);
}

BOOST_AUTO_TEST_SUITE_END()
