#include "cli/rule.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"
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
    policy.check({borrower}, {{nic, device}});
  } catch (const Error& error) {
    return rule_of(words_to_type(error.what()));
  }
  throw Error("it was not refused");
}

bool allows(const Policy& policy, const std::string& id, const std::string& spec,
            const LinkState* device) {
  try {
    const auto nic = parse_nic_spec(spec);
    policy.check({ContainerId{id}}, {{nic, device}});
  } catch (const Error&) {
    return false;
  }
  return true;
}

LinkState device_called(const std::string& name) {
  LinkState device;
  device.name = name;
  return device;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(rules)

BOOST_AUTO_TEST_CASE(a_device_is_allowed_by_pattern_to_some_and_under_some_names) {
  BOOST_TEST((rule_of({"lan0"}) == read_rule(R"({"device":"lan0"})")));
  BOOST_TEST((rule_of({"pci:0000:03:*", "--to", "db*", "--inside=eth?"}) ==
              read_rule(R"({"device":"pci:0000:03:*","to":"db*","inside":"eth?"})")));
  BOOST_TEST((rule_of({"lan0", "--cgroup", "/lan.slice/*", "--bundle=/srv/*"}) ==
              read_rule(R"({"device":"lan0","cgroup":"/lan.slice/*","bundle":"/srv/*"})")));
  BOOST_TEST(refusal({"lan0", "--cgroup", "lan.slice"}) ==
             "--cgroup: nothing can match 'lan.slice': a path begins with '/'");
  BOOST_TEST(refusal({"lan0", "--bundle", "/srv/../etc"}).starts_with("--bundle: nothing can"));
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
             "--address: '10.0.0.5/24' has host bits; the prefix is 10.0.0.0/24");
  BOOST_TEST(refusal({"lan0", "--address", "lan"}).starts_with("--address: 'lan' is no"));
  BOOST_TEST(
      (rule_of({"lan0", "--address", "none"}) == read_rule(R"({"device":"lan0","addresses":[]})")));
  BOOST_TEST((rule_of({"lan0", "--address=10.0.0.0/8", "--keep-addresses"}) ==
              read_rule(R"({"device":"lan0","addresses":["10.0.0.0/8"],"keep_addresses":true})")));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"lan0", "--address", "none", "--address", "10.0.0.0/8"},
           {"lan0", "--keep-addresses"},
           {"veth:", "--address", "none", "--keep-addresses"}}) {
    BOOST_TEST(refusal(words).starts_with("--"));
  }
}

BOOST_AUTO_TEST_CASE(the_order_of_addresses_makes_no_other_rule) {
  const auto rule = rule_of({"lan0", "--address", "10.0.0.0/8", "--address", "2001:db8::/32"});
  BOOST_TEST((rule_of({"lan0", "--address", "2001:db8::/32", "--address", "10.0.0.0/8", "--address",
                       "10.0.0.0/8"}) == rule));
  BOOST_TEST(
      (read_rule(R"({"device":"lan0","addresses":["2001:db8::/32","10.0.0.0/8"]})") == rule));
}

BOOST_AUTO_TEST_CASE(what_could_allow_nothing_is_refused) {
  BOOST_TEST(refusal({""}) == "DEVICE: an empty pattern matches nothing; '*' would match all");
  BOOST_TEST(refusal({"lan0", "--to", ""}).starts_with("--to: an empty pattern"));
  BOOST_TEST(refusal({"lan0", "--to="}).starts_with("--to: "));
  BOOST_TEST(refusal({"lan0", "--inside", ""}).starts_with("--inside: an empty pattern"));
  BOOST_TEST(refusal({"veth:", "--bridge", ""}).starts_with("--bridge: an empty pattern"));
  BOOST_TEST(refusal({"lan["}).starts_with("DEVICE: 'lan[': no ']' closes the '['"));
  BOOST_TEST(refusal({"a/b"}).starts_with("DEVICE: nothing can match 'a/b': "));
  BOOST_TEST(refusal({"veth:a/b"}).starts_with("DEVICE: nothing can match 'a/b': names"));
  BOOST_TEST(refusal({"lan0", "--to", "db 1"}).starts_with("--to: nothing can match 'db 1': ids"));
  BOOST_TEST(refusal({"lan0", "--inside", "lo"}) ==
             "--inside: no device that is lent is called 'lo'");
  BOOST_TEST(
      refusal({"lan0", "--address", "127.0.0.1"}).starts_with("--address: no device can be"));
  BOOST_TEST(refusal({"127.0.0.1"}).starts_with("ADDRESS: no device can be given an address"));
  BOOST_TEST(refusal({"192.0.2.7/24"}).starts_with("ADDRESS: '192.0.2.7/24' has host bits"));
  BOOST_TEST(
      refusal({"192.0.2.7", "--address", "192.0.2.7"}).starts_with("'192.0.2.7' is lent itself"));
  BOOST_TEST(refusal({"192.0.2.7", "--keep-addresses"}).starts_with("'192.0.2.7' is lent itself"));
  for (const char* address : {"192.0.2.300", "192.0.2.*", "192.0.*", "10.1.2.?"}) {
    BOOST_TEST(refusal({address}).find("is not an IP address") != std::string::npos, address);
  }
  for (const char* prefix : {"fe80::/10", "fe80::1", "169.254.0.0/16"}) {
    BOOST_TEST(refusal({prefix}).find("link-local") != std::string::npos, prefix);
  }
  for (const char* device : {"eth0.100", "*.100", "1*"}) {
    BOOST_TEST(rule_of({device}).device.value() == device);
  }
}

BOOST_AUTO_TEST_CASE(a_rule_for_an_address_is_for_lending_it) {
  for (const char* address : {"192.0.2.7", "192.0.2.0/24", "2001:db8::7", "2001:db8::/64"}) {
    const auto rule = rule_of({address, "--to", "web"});
    BOOST_TEST(rule.lends_addresses);
    BOOST_TEST(!rule.device.has_value());
    BOOST_TEST((rule.addresses == std::vector{netlend::IpPrefix::parse_destination(address)}));
    BOOST_TEST(rule.to.value() == "web");
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

BOOST_AUTO_TEST_CASE(what_a_refusal_tells_to_type_allows_the_device_that_was_refused) {
  const NicPlan nic = parse_nic_spec("eth0=lan0");
  for (const char* name : {"lan0", "-n", "--to", "a'b", "$(id)", "lan*", "[x]", "a\\b", "!", "~",
                           "\"", "#", "{}", "[]", "lan\x01", "lan\xc3\xa9", "192.0.2.7"}) {
    const LinkState device = device_called(name);
    const Policy policy{{rule_of_refusal(Policy{{}}, ContainerId{"db1"}, nic, &device)}};
    BOOST_TEST(allows(policy, "db1", "eth0=lan0", &device), name);
    BOOST_TEST(!allows(policy, "db2", "eth0=lan0", &device), name);
    for (const char* other : {"lan1", "lan", "lanx", "n", "x", "a.b", "ab"}) {
      const LinkState other_device = device_called(other);
      BOOST_TEST(!allows(policy, "db1", "eth0=lan0", &other_device), name << " " << other);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_refusal_tells_to_type_allows_nothing_else) {
  const std::vector<std::string> specs{"eth0=lan0",
                                       "eth1=lan0",
                                       "eth0=lan0 addr=10.0.0.7/24",
                                       "eth0=lan0 addr=10.0.0.8/24",
                                       "eth0=lan0 addr=2001:db8::7/64 addr=10.0.0.9/24",
                                       "eth0=lan0 keep=addresses",
                                       "eth0=lan0 addr=10.0.0.6/24 keep=addresses",
                                       "eth?=lan0 addr=10.0.0.5/24",
                                       "eth*=lan0"};
  const LinkState device = device_called("lan0");
  for (const std::string id : {"db1", "a", "box.1+2-3_4"}) {
    for (const auto& refused : specs) {
      const Policy policy{
          {rule_of_refusal(Policy{{}}, ContainerId{id}, parse_nic_spec(refused), &device)}};
      for (const auto& spec : specs) {
        // Fewer addresses than were asked for are no more.
        const bool is_less = refused == "eth0=lan0 addr=10.0.0.6/24 keep=addresses" &&
                             spec == "eth0=lan0 keep=addresses";
        const bool has_less = spec == "eth0=lan0" && refused.starts_with("eth0=");
        BOOST_TEST(allows(policy, id, spec, &device) == (spec == refused || is_less || has_less),
                   refused << ": " << spec);
        BOOST_TEST(!allows(policy, id + "x", spec, &device));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_refusal_of_a_pair_tells_to_type_allows_that_pair) {
  for (const char* spec : {"eth0=veth:", "eth0=veth:h0", "eth0=veth:`id`", "eth0=veth:*",
                           "eth0=veth:h0 bridge=b*r host-addr=10.0.0.1/24"}) {
    const NicPlan nic = parse_nic_spec(spec);
    const Policy policy{{rule_of_refusal(Policy{{}}, ContainerId{"db1"}, nic, nullptr)}};
    BOOST_TEST(allows(policy, "db1", spec, nullptr), spec);
    for (const char* other :
         {"eth0=veth:wg0 bridge=br", "eth1=veth:", "eth0=veth: addr=10.0.0.7/24", "eth0=veth:h1",
          "eth0=veth:h0 bridge=br"}) {
      BOOST_TEST(!allows(policy, "db1", other, nullptr), spec << " " << other);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_refusal_tells_to_type_keeps_a_limit_to_addresses) {
  const ContainerId db1{"db1"};
  const NicPlan nic = parse_nic_spec("eth0=lan0 addr=10.0.0.7/24 addr=2001:db8::7/64");
  const LinkState device = device_called("lan0");
  const PolicyRule limit = read_rule(R"({"device":"lan0","addresses":["10.0.0.0/30"]})");
  const Policy policy{{limit, rule_of_refusal(Policy{{limit}}, db1, nic, &device)}};
  BOOST_CHECK_NO_THROW(policy.check({db1}, {{nic, &device}}));
  BOOST_TEST(!allows(policy, "db1", "eth0=lan0 addr=10.0.0.8/24", &device));
}

BOOST_AUTO_TEST_CASE(where_an_engine_made_up_the_id_the_next_container_is_allowed_the_same) {
  const std::string next(64, 'b');
  const NicPlan nic = parse_nic_spec("eth0=lan0 addr=10.0.0.7/24");
  const LinkState device = device_called("lan0");
  const Policy policy{
      {rule_of_refusal(Policy{{}}, ContainerId{std::string(64, 'a')}, nic, &device)}};
  BOOST_TEST(allows(policy, next, "eth0=lan0 addr=10.0.0.7/24", &device));
  for (const char* spec : {"eth1=lan0 addr=10.0.0.7/24", "eth0=lan0 addr=10.0.0.8/24",
                           "eth0=lan0 addr=10.0.0.7/24 keep=addresses"}) {
    BOOST_TEST(!allows(policy, next, spec, &device), spec);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
