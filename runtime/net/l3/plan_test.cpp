#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "net/kernel/fib_rule.hpp"
#include "net/kernel/site.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/lan_fixture.hpp"

using netlend::FibRule;
using netlend::Netns;
using netlend::PlanReport;
using netlend::Site;
using netlend::test::Lan;
using netlend::test::says;

namespace {
using Sentences = std::set<std::string>;

std::vector<FibRule> rules_now() {
  Site home{Netns::current()};
  auto rules = list_fib_rules(home.socket, AF_INET);
  for (auto& rule : list_fib_rules(home.socket, AF_INET6)) rules.push_back(std::move(rule));
  return rules;
}

/// "routing rule '1 from all nop' of IPv4 is added" of each that only `left` has. A plan doesn't
/// know the names of pairs.
void add_sentences(Sentences& sentences, const std::vector<FibRule>& left,
                   const std::vector<FibRule>& right, std::string_view what_became) {
  for (auto rule : left) {
    if (std::find(right.begin(), right.end(), rule) != right.end()) continue;
    if (rule.iif.starts_with("nl-")) rule.iif = "nl-...";
    sentences.insert(fmt::format("routing rule '{}' of {} is {}", describe(rule),
                                 rule.family == AF_INET ? "IPv4" : "IPv6", what_became));
  }
}

/// Those of every device, "net.ipv4.conf.up0.forwarding" and its value.
std::map<std::string, std::string> sysctls_now() {
  std::map<std::string, std::string> all;
  const Netns home = Netns::current();
  for (const std::string device : {"lo", "up0"}) {
    for (const auto& [key, value] : read_sysctls(home, device)) {
      std::string name = key;
      name.insert(name.rfind('/'), "/" + device);
      std::replace(name.begin(), name.end(), '/', '.');
      all["net." + name] = value;
    }
  }
  return all;
}

struct PlanLan : Lan {
  PlanReport report_of(const std::string& spec) {
    return preview(context(), plan(spec), nullptr).at(0);
  }

  /// Fails the test unless the plan names each rule and sysctl that lending changes, and no other.
  void check(const std::string& spec) {
    Sentences planned;
    for (const auto& sentence : report_of(spec).changes) {
      const bool is_rule = sentence.starts_with("routing rule '");
      if (!is_rule && !sentence.starts_with("sysctl ")) continue;
      planned.insert(is_rule ? sentence.substr(0, sentence.find(": ", sentence.find("' of")))
                             : sentence);
    }
    const auto rules = rules_now();
    const auto sysctls = sysctls_now();
    lend_to_c1(spec);
    Sentences changed;
    add_sentences(changed, rules_now(), rules, "added");
    add_sentences(changed, rules, rules_now(), "taken away");
    for (const auto& [name, value] : sysctls_now()) {
      const std::string& before = sysctls.at(name);
      if (value == before) continue;
      changed.insert(fmt::format("sysctl {} becomes {} and is {}", name, value, before));
    }
    BOOST_TEST(planned == changed, boost::test_tools::per_element());
    BOOST_TEST(give_all_back() == "");
  }
};

std::string joined(const std::vector<std::string>& sentences) {
  std::string out;
  for (const auto& sentence : sentences) out += sentence + "\n";
  return out;
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(plans_of_addresses, PlanLan)

BOOST_AUTO_TEST_CASE(a_plan_names_the_rules_and_sysctls_that_lending_changes) {
  check("10.9.0.11");
  check("10.9.0.1 fd09::11");
  check("10.9.0.11 mode=macvlan");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(what_another_loan_has_changed_already_is_not_named_again) {
  lend_to_c2("10.9.0.12 fd09::12");
  check("10.9.0.11 fd09::11");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_plan_names_mode_routes_firewall_and_copies) {
  const auto plain = joined(report_of("10.9.0.1 mode=routed").changes);
  BOOST_TEST(says(plain, "in mode 'routed'"), plain);
  BOOST_TEST(says(plain, "route 10.9.0.0/24 src 10.9.0.1"), plain);
  BOOST_TEST(says(plain, "by 'up0' names 10.9.0.11 as its source"), plain);
  BOOST_TEST(says(plain, "rules for its input don't protect it"), plain);
  BOOST_TEST(!says(plain, "copies"), plain);
  const auto copied = joined(report_of("10.9.0.1 mode=routed broadcast=yes").changes);
  BOOST_TEST(says(copied, "copies the broadcasts and multicasts that 'up0' receives"), copied);
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_default_route_that_is_inside_already_stays_and_no_rule_does) {
  const auto rules_inside = [&] { return c1.sh("ip rule; ip -6 rule"); };
  c1.sh(
      "ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; ip addr add "
      "10.88.0.2/16 dev d0;"
      "ip route add default via 10.88.0.1");
  const std::string rules = rules_inside();
  const auto borrower = borrower_of(c1, "c1");
  std::string planned;
  const auto reports = preview(context(), plan("10.9.0.11 fd09::11"), &borrower);
  for (const auto& change : reports.at(0).changes) {
    planned += change + "\n";
  }
  BOOST_TEST(says(planned,
                  "the default route of IPv4 inside stays as it is; what is sent from a "
                  "lent address goes by 'eth0'"));
  BOOST_TEST(says(planned, "the default route of IPv6 inside is by 'eth0'"));
  const auto first = lend_to_c1("10.9.0.11 fd09::11");
  const auto second = lend(context(), plan("10.9.0.12 as=eth1"), borrower_of(c1, "another"));
  BOOST_TEST(says(c1.sh("ip route show default"), "via 10.88.0.1 dev d0"));
  BOOST_TEST(give_back(context(), first).empty());
  BOOST_TEST(!says(rules_inside(), "from 10.9.0.11"));
  BOOST_TEST(!says(rules_inside(), "from fd09::11"));
  BOOST_TEST(says(rules_inside(), "from 10.9.0.12"));
  BOOST_TEST(give_back(context(), second).empty());
  BOOST_TEST(rules_inside() == rules);
}

BOOST_AUTO_TEST_SUITE_END()
