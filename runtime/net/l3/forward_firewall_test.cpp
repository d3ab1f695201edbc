#include "net/l3/forward_firewall.hpp"

#include <fmt/core.h>

#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"
#include "net/ledger/ledger.hpp"

using netlend::AddressLoan;
using netlend::Netns;
using netlend::Site;
using netlend::test::ask_listener;
using netlend::test::Lan;
using netlend::test::Listener;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
std::string nft(const std::string& rest, const std::string& other_chains = "") {
  return "nft 'table inet f {\n" + other_chains +
         "chain fo { type filter hook forward priority 0; " + rest + "\n}\n}'";
}

struct FirewallLan : Lan {
  FirewallLan() : loan(lend_one()), inside(&c1, "c1"), outside(&neighbour, "lan") {}

  AddressLoan lend_one() {
    const auto ledger = netlend::load_ledger(state(), lend_to_c1("10.9.0.11 mode=routed"));
    BOOST_TEST_REQUIRE(ledger.has_value());
    return ledger->address_loans.front();
  }

  /// Whether a connection gets through, from whichever side.
  bool is_open() {
    return ask_listener(neighbour, "10.9.0.11") == "c1" || ask_listener(c1, "10.9.0.100") == "lan";
  }

  /// Fails the test unless what is said of such a firewall is what it does.
  void check(const std::string& commands, bool is_open_by_it) {
    sh(commands);
    Site home{Netns::current()};
    BOOST_TEST(list_closed_forward_chains(home, loan).empty() == is_open_by_it, commands);
    BOOST_TEST(is_open() == is_open_by_it, "it isn't so: " << commands);
    sh("nft flush ruleset");
  }

  AddressLoan loan;
  Listener inside;
  Listener outside;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(forward_firewalls, FirewallLan)

BOOST_AUTO_TEST_CASE(those_that_let_pass_what_is_lent_are_open) {
  for (const char* rules : {
           "policy accept;",
           "policy drop; iifname \"nl-*\" accept; oifname \"nl-*\" accept;",
           "policy drop; ip daddr 10.9.0.11 accept; ip saddr 10.9.0.11 accept;",
           "policy drop; ip daddr 10.9.0.0/24 accept; ct state established,related accept;",
           "policy drop; ct state vmap { established : accept, related : accept, invalid : drop }; "
           "oifname { \"nl-*\", \"docker0\" } tcp dport { 80, 443 } accept;",
           "policy drop; ct state { established, related } accept; iifname != \"nl-*\" counter "
           "accept;",
           "policy accept; tcp dport 25 drop; ip saddr 198.51.100.0/24 drop; ct state invalid "
           "drop; iifname \"docker0\" drop;",
           "policy accept; ip6 daddr fd09::/64 oifname \"nl-x*\" drop;",
           "policy accept; iif \"lo\" drop; oif \"lo\" drop; iifgroup 7 drop;",
           "policy accept; ip daddr 10.9.0.12-10.9.0.99 drop; ip daddr < 10.9.0.11 drop; "
           "ip saddr > 10.9.0.11 ip saddr < 10.9.0.20 drop;",
           "policy drop; iif != \"lo\" accept;",
           "policy drop; oif \"up0\" accept; iif \"up0\" ip daddr 10.9.0.11-10.9.0.12 accept;",
       }) {
    check(nft(rules), true);
  }
}

BOOST_AUTO_TEST_CASE(those_that_drop_it_are_closed_be_it_by_a_policy_or_a_rule) {
  for (const char* rules : {
           "policy drop;",
           "policy accept; drop;",
           // NOLINTNEXTLINE(bugprone-suspicious-missing-comma)
           "policy accept; iifname \"docker0\" accept; ct state established,related accept; "
           "reject with icmpx admin-prohibited;",
           "policy accept; oifname \"nl-*\" drop;",
           "policy accept; iif \"up0\" drop;",
           "policy accept; iifgroup 0 drop;",
           "policy accept; ip daddr 10.9.0.8-10.9.0.12 drop;",
           "policy accept; ip daddr != 10.9.0.12-10.9.0.200 drop;",
           "policy accept; ip daddr <= 10.9.0.11 drop;",
           "policy accept; ip daddr > 10.9.0.10 drop;",
           "policy drop; oifname \"nl-*\" accept;",
           "policy drop; ct state established,related accept; tcp dport 443 accept;",
       }) {
    check(nft(rules), false);
  }
}

BOOST_AUTO_TEST_CASE(chains_that_are_called_are_looked_into) {
  const auto with = [](const std::string& verdict) {
    return nft("policy accept; ct status dnat accept; jump zones; reject;",
               "chain zone { counter; " + verdict +
                   ";\n}\nchain zones { iifname \"up0\" goto zone; iifname \"nl-*\" jump "
                   "zone;\n}\n");
  };
  check(with("accept"), true);
  check(with("oifname \"up0\" accept"), false);
  check(with("return"), false);
}

BOOST_AUTO_TEST_CASE(iptables_of_both_kinds_is_understood) {
  for (const std::string iptables : {"iptables-nft", "iptables-legacy"}) {
    if (!succeeds(iptables + " -L FORWARD")) {
      BOOST_TEST_MESSAGE("not tried: this machine has no " + iptables);
      BOOST_TEST_REQUIRE(iptables == "iptables-legacy");
      continue;
    }
    const auto call = [&](const char* rules, const char* more = "") {
      return fmt::format("call() {{ {} \"$@\"; }}; {}{}", iptables, rules, more);
    };
    const auto clean = [&] { sh(call("call -F; call -X; call -P FORWARD ACCEPT")); };
    const char* const docker =
        "call -P FORWARD DROP; call -N USER; call -A FORWARD -j USER; call -A USER -j RETURN; "
        "call -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -m comment "
        "--comment x -j ACCEPT; ";
    check(call(docker), false);
    clean();
    check(call(docker, "call -I USER -i nl-+ -j ACCEPT; call -I USER -o nl-+ -j ACCEPT"), true);
    clean();
    check(call(docker,
               "call -I USER -d 10.9.0.11/32 -p tcp --dport 80 -j ACCEPT; "
               "call -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT"),
          true);
    clean();
    check(call("call -A FORWARD -j REJECT"), false);
    clean();
  }
}

BOOST_AUTO_TEST_SUITE_END()
