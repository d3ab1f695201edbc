#include "cli/ledgers.hpp"

#include <boost/test/unit_test.hpp>

namespace netlend::cli {

namespace {
Loan make_loan(const std::string& home_name, const std::string& inside) {
  Loan loan;
  loan.inside = inside;
  loan.home.emplace();
  loan.home->link.name = home_name;
  return loan;
}

Ledger make_ledger(const std::string& id, std::uint64_t netns_inode, std::vector<Loan> loans) {
  Ledger ledger;
  ledger.name = id + "-00000000-" + std::to_string(netns_inode);
  ledger.id = ContainerId{id};
  ledger.borrower.inode = netns_inode;
  ledger.netns_path = "/run/netns/" + id;
  ledger.loans = std::move(loans);
  return ledger;
}

std::string refusal(const std::vector<Ledger>& ledgers, const std::string& what) {
  try {
    find_ledgers(ledgers, what);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

using Names = std::vector<std::string>;
}  // namespace

BOOST_AUTO_TEST_SUITE(ledgers_to_return)

BOOST_AUTO_TEST_CASE(a_device_is_found_by_its_name_at_home_its_altname_or_its_name_inside) {
  Loan lan = make_loan("lan0", "eth0");
  lan.home->link.altnames = {"uplink"};
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {lan}),
                                    make_ledger("other", 2, {make_loan("lan1", "eth1")})};
  for (const char* name : {"lan0", "uplink", "eth0"}) {
    BOOST_TEST(find_ledgers(ledgers, name) == Names{"box-00000000-1"},
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_id_means_all_that_was_lent_to_it) {
  Ledger second = make_ledger("box", 1, {make_loan("lan1", "eth1")});
  second.name = "box-11111111-1";
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {make_loan("lan0", "eth0")}), second};
  BOOST_TEST(find_ledgers(ledgers, "box") == (Names{"box-00000000-1", "box-11111111-1"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_two_borrowers_have_is_ambiguous) {
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {make_loan("lan0", "eth0")}),
                                    make_ledger("other", 2, {make_loan("lan1", "eth0")})};
  BOOST_TEST(refusal(ledgers, "eth0") ==
             "'eth0' is ambiguous: 'lan0' to box (/run/netns/box) as 'eth0', 'lan1' to other "
             "(/run/netns/other) as 'eth0'; use a name that only one of them has");
}

BOOST_AUTO_TEST_CASE(what_is_not_lent_is_refused_with_what_is) {
  BOOST_TEST(refusal({}, "lan0") == "'lan0' is not lent and nobody's id; lent are: nothing");
  BOOST_TEST(refusal({make_ledger("box", 1, {make_loan("lan0", "eth0")})}, "lan\n9") ==
             "'lan\\x0a9' is not lent and nobody's id; lent are: 'lan0' to box (/run/netns/box) as "
             "'eth0'");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(time)

BOOST_AUTO_TEST_CASE(is_written_in_utc) {
  BOOST_TEST(format_time(1'700'000'000) == "2023-11-14T22:13:20Z");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
