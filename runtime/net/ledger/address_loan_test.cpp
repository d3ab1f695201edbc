#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "net/ledger/ledger.hpp"

using netlend::AddressLoan;
using netlend::IpAddress;
using netlend::IpPrefix;
using netlend::Ledger;

namespace {
AddressLoan example_loan() {
  AddressLoan loan{.id = "0123456789abcdef",
                   .inside = "eth0",
                   .mode = "routed",
                   .host_name = "nl-0123456789",
                   .host_address = std::string("\x02\0\0\0\0\1", 6),
                   .inside_address = std::string("\x02\0\0\0\0\2", 6),
                   .stage = netlend::Stage::ready,
                   .addresses = {}};
  loan.addresses.push_back({.device = {7},
                            .device_name = "lan\xff",
                            .home = netlend::make_address(IpPrefix{"10.9.0.11/24"}, true),
                            .before = {},
                            .substitute = std::string("\x0a\x09\0\1", 4)});
  loan.addresses.push_back({.device = {7},
                            .device_name = "lan\xff",
                            .home = netlend::make_address(IpPrefix{"fd09::11/64"}, true),
                            .before = {IpAddress{"fd09::1"}},
                            .substitute = std::string(IpAddress{"fd09::1"}.bytes())});
  return loan;
}

Ledger example() {
  Ledger ledger;
  ledger.name = "web-6db8dbae-1";
  ledger.id = netlend::ContainerId{"web"};
  ledger.key = "run";
  ledger.generation = 1;
  ledger.created_at_s = 1763776429;
  ledger.lender = {
      .pid = 41, .start_time_ticks = 99, .boot_id = "boot", .pid_namespace = 4026531836};
  ledger.home = {.device = 4, .inode = 4026531840, .cookie = 1};
  ledger.borrower = {.device = 4, .inode = 4026532200, .cookie = 12};
  ledger.plan = R"({"netlend": 1, "l3": []})";
  ledger.address_loans = {example_loan()};
  ledger.home_changes = {
      .sysctls = {{.device = {7}, .key = "ipv4/conf/forwarding", .before = "0"}},
      .rules = {{.family = AF_INET6,
                 .priority = 7,
                 .action = FR_ACT_TO_TBL,
                 .to = IpPrefix{"fd09::11/128"},
                 .table = 0x6e6c0000},
                {.family = AF_INET,
                 .priority = 3,
                 .action = FR_ACT_GOTO,
                 .from = IpPrefix{"10.9.0.11/32"},
                 .iif = "nl-0123456789",
                 .jump_to = 6}},
      .removed_rules = {{.family = AF_INET6,
                         .action = FR_ACT_TO_TBL,
                         .table = RT_TABLE_LOCAL,
                         .protocol = RTPROT_KERNEL}},
      .routes = {{.device = {7},
                  .route = netlend::make_route(IpPrefix{"10.9.0.0/24"}, std::nullopt, false)}}};
  return ledger;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(ledgers_of_addresses)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
  BOOST_CHECK(netlend::parse_ledger(example().name, netlend::format_ledger(example())) ==
              example());
  Ledger direct = example();
  direct.address_loans.front().upper = netlend::IfIndex{9};
  direct.address_loans.front().has_table = true;
  direct.address_loans.front().l3_id = 7;
  direct.address_loans.front().has_mirrors = true;
  direct.home_changes.ingress_qdiscs = {netlend::IfIndex{3}};
  direct.address_loans.front().put_again = {
      netlend::make_address(IpPrefix{"fd09::12/64"}, /*dad=*/false)};
  direct.address_loans.front().put_again_on = netlend::IfIndex{7};
  BOOST_CHECK(netlend::parse_ledger(direct.name, netlend::format_ledger(direct)) == direct);
}

BOOST_AUTO_TEST_CASE(a_ledger_with_addresses_of_version_1_is_read_for_ever) {
  const auto text = netlend::read_file(
      AT_FDCWD, std::string(NETLEND_GOLDEN_FOLDER) + "/ledger-1-addresses.json", 1 << 20);
  BOOST_CHECK(netlend::parse_ledger(example().name, text) == example());
}

BOOST_AUTO_TEST_CASE(it_is_ready_when_its_addresses_are) {
  auto ledger = example();
  BOOST_TEST(ledger.is_ready());
  ledger.address_loans[0].stage = netlend::Stage::lent;
  BOOST_TEST(!ledger.is_ready());
}

BOOST_AUTO_TEST_SUITE_END()
