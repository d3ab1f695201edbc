#include "cli/rule.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "net/plan_parse.hpp"
#include "support/lab.hpp"

namespace netlend::cli {

namespace {
PolicyRule rule_of(std::vector<std::string> words) {
  words.insert(words.begin(), "allow");
  return make_rule(std::get<AllowArguments>(parse_command_line(words).verb).rule);
}

PolicyRule read_rule(const std::string& text) {
  return parse_configuration(R"({"netlend":1,"allow":[)" + text + "]}").rules.at(0);
}

std::string refusal(const std::vector<std::string>& words) {
  try {
    rule_of(words);
  } catch (const Error& error) {
    BOOST_TEST((error.kind() == ErrorKind::usage));
    return error.what();
  }
  return "nothing was refused";
}

/// The words behind "netlend allow", as a shell splits what a refusal tells to type.
std::vector<std::string> words_to_type(const std::string& refusal) {
  const std::string command = refusal.substr(refusal.find("type: netlend allow ") + 20);
  const std::string lines = test::sh("printf '%s\\n' " + command);
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    words.push_back(lines.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

/// Types what the policy's refusal says; the rule that this makes.
PolicyRule rule_of_refusal(const Policy& policy, const ContainerId& borrower, const NicPlan& nic,
                           const LinkState* device) {
  try {
    policy.check(borrower, nic, device);
  } catch (const Error& error) {
    return rule_of(words_to_type(error.what()));
  }
  throw Error("it was not refused");
}
}  // namespace

BOOST_AUTO_TEST_SUITE(rules)

BOOST_AUTO_TEST_CASE(a_device_is_allowed_by_pattern_to_some_and_under_some_names) {
  BOOST_TEST((rule_of({"lan0"}) == read_rule(R"({"device":"lan0"})")));
  BOOST_TEST((rule_of({"pci:0000:03:*", "--to", "db*", "--inside=eth?"}) ==
              read_rule(R"({"device":"pci:0000:03:*","to":"db*","inside":"eth?"})")));
}

BOOST_AUTO_TEST_CASE(a_pair_is_allowed_with_what_it_may_touch_at_home) {
  BOOST_TEST((rule_of({"veth:"}) == read_rule(R"({"veth":true})")));
  BOOST_TEST(
      (rule_of({"veth:h*", "--bridge", "br0", "--host-addresses", "--to", "db1"}) ==
       read_rule(
           R"({"veth":true,"host_name":"h*","bridge":"br0","host_addresses":true,"to":"db1"})")));
}

BOOST_AUTO_TEST_CASE(a_rule_can_be_for_some_addresses) {
  BOOST_TEST(
      (rule_of({"driver:ixgbe", "--address", "10.0.0.0/24", "--address=2001:db8::7"}) ==
       read_rule(R"({"device":"driver:ixgbe","addresses":["10.0.0.0/24","2001:db8::7/128"]})")));
  BOOST_TEST(refusal({"lan0", "--address", "10.0.0.5/24"}) ==
             "--address 10.0.0.5/24: it has host bits; the prefix is 10.0.0.0/24");
  BOOST_TEST(refusal({"lan0", "--address", "lan"}).starts_with("'lan' is no"));
}

BOOST_AUTO_TEST_CASE(what_could_allow_nothing_is_refused) {
  BOOST_TEST(refusal({""}) == "DEVICE: an empty pattern allows nothing; '*' would allow all");
  BOOST_TEST(refusal({"lan0", "--to", ""}).starts_with("--to: an empty pattern"));
  BOOST_TEST(refusal({"lan0", "--to="}).starts_with("--to: "));
  BOOST_TEST(refusal({"lan0", "--inside", ""}).starts_with("--inside: an empty pattern"));
  BOOST_TEST(refusal({"veth:", "--bridge", ""}).starts_with("--bridge: an empty pattern"));
  for (const char* address : {"192.0.2.7", "192.0.2.0/24", "2001:db8::7", "2001:db8::/64"}) {
    BOOST_TEST(refusal({address}).find("is an address, and a rule is for a device") !=
               std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_devices_address_is_no_ip_address) {
  BOOST_TEST(rule_of({"02:00:00:00:00:aa"}).device.value() == "02:00:00:00:00:aa");
  BOOST_TEST(rule_of({"dev:192.0.2.7"}).device.value() == "dev:192.0.2.7");
}

BOOST_AUTO_TEST_CASE(what_belongs_to_a_pair_is_refused_for_a_device) {
  BOOST_TEST(refusal({"lan0", "--bridge", "br0"}).starts_with("--bridge and --host-addresses"));
  BOOST_TEST(refusal({"lan0", "--host-addresses"}).starts_with("--bridge and --host-addresses"));
  BOOST_TEST(refusal({}) == "DEVICE is required; see 'netlend allow --help'");
}

BOOST_AUTO_TEST_CASE(what_a_refusal_tells_to_type_allows_what_was_refused) {
  for (const char* name : {"lan0", "-n", "--to", "a'b", "$(id)", "lan*", "[x]", "a\\b", "!", "~",
                           "\"", "#", "{}", "[]", "lan\x01", "lan\xc3\xa9"}) {
    LinkState device;
    device.name = name;
    const NicPlan nic = parse_nic_spec("eth0=lan0");
    const Policy policy{{rule_of_refusal(Policy{{}}, ContainerId{"db1"}, nic, &device)}};
    BOOST_CHECK_NO_THROW(policy.check(ContainerId{"db1"}, parse_nic_spec("eth0=lan0"), &device));
    BOOST_CHECK_THROW(policy.check(ContainerId{"db2"}, parse_nic_spec("eth0=lan0"), &device),
                      Error);
    device.name = "lan1";
    BOOST_CHECK_THROW(policy.check(ContainerId{"db1"}, parse_nic_spec("eth0=lan0"), &device),
                      Error);
  }
  for (const char* spec : {"eth0=veth:", "eth0=veth:h0", "eth0=veth:`id`", "eth0=veth:*",
                           "eth0=veth:h0 bridge=b*r host-addr=10.0.0.1/24"}) {
    const NicPlan nic = parse_nic_spec(spec);
    const Policy policy{{rule_of_refusal(Policy{{}}, ContainerId{"db1"}, nic, nullptr)}};
    BOOST_CHECK_NO_THROW(policy.check(ContainerId{"db1"}, parse_nic_spec(spec), nullptr));
    BOOST_CHECK_THROW(
        policy.check(ContainerId{"db1"}, parse_nic_spec("eth0=veth:wg0 bridge=br"), nullptr),
        Error);
  }
}

BOOST_AUTO_TEST_CASE(what_a_refusal_tells_to_type_keeps_a_limit_to_addresses) {
  const ContainerId db1{"db1"};
  const NicPlan nic = parse_nic_spec("eth0=lan0 addr=10.0.0.7/24 addr=2001:db8::7/64");
  LinkState device;
  device.name = "lan0";
  const PolicyRule limit = read_rule(R"({"device":"lan0","addresses":["10.0.0.0/30"]})");
  const Policy policy{{limit, rule_of_refusal(Policy{{limit}}, db1, nic, &device)}};
  BOOST_CHECK_NO_THROW(policy.check(db1, nic, &device));
  BOOST_CHECK_THROW(policy.check(db1, parse_nic_spec("eth0=lan0 addr=10.0.0.8/24"), &device),
                    Error);
}

BOOST_AUTO_TEST_CASE(where_an_engine_made_up_the_id_the_next_container_is_allowed_the_same) {
  const ContainerId first{std::string(64, 'a')};
  const ContainerId next{std::string(64, 'b')};
  const NicPlan nic = parse_nic_spec("eth0=lan0 addr=10.0.0.7/24");
  LinkState device;
  device.name = "lan0";
  const Policy policy{{rule_of_refusal(Policy{{}}, first, nic, &device)}};
  BOOST_CHECK_NO_THROW(policy.check(next, nic, &device));
  for (const char* spec : {"eth1=lan0 addr=10.0.0.7/24", "eth0=lan0 addr=10.0.0.8/24",
                           "eth0=lan0 addr=10.0.0.7/24 keep=addresses"}) {
    BOOST_CHECK_THROW(policy.check(next, parse_nic_spec(spec), &device), Error);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
