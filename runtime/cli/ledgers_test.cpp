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

/// Where all loans of a name are as good.
std::vector<std::string> find(const std::vector<Ledger>& ledgers, const std::string& word) {
  return find_ledgers(ledgers, word, [](const Ledger&, const Loan&) { return true; });
}

std::string refusal(const std::vector<Ledger>& ledgers, const std::string& word) {
  try {
    find(ledgers, word);
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
    BOOST_TEST(find(ledgers, name) == Names{"box-00000000-1"}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_id_means_all_that_was_lent_to_it) {
  Ledger second = make_ledger("box", 1, {make_loan("lan1", "eth1")});
  second.name = "box-11111111-1";
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {make_loan("lan0", "eth0")}), second};
  BOOST_TEST(find(ledgers, "box") == (Names{"box-00000000-1", "box-11111111-1"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_id_means_also_what_an_earlier_borrower_of_that_id_left) {
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {make_loan("lan0", "eth0")}),
                                    make_ledger("box", 2, {make_loan("lan1", "eth0")})};
  BOOST_TEST(find(ledgers, "box") == (Names{"box-00000000-1", "box-00000000-2"}),
             boost::test_tools::per_element());
  BOOST_TEST(find(ledgers, "box-00000000-2") == Names{"box-00000000-2"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_device_is_found_by_what_lend_takes) {
  Loan lan = make_loan("lan0", "eth0");
  lan.home->link.altnames = {"uplink"};
  lan.home->link.address = std::string("\x02\x00\x00\x00\x00\x01", 6);
  lan.home->link.parent_bus = "pci";
  lan.home->link.parent_device = "0000:03:00.1";
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {lan}),
                                    make_ledger("other", 2, {make_loan("lan1", "lan0")})};
  for (const char* word : {"dev:lan0", "alt:uplink", "mac:02:00:00:00:00:01", "pci:0000:03:00.1"}) {
    BOOST_TEST(find(ledgers, word) == Names{"box-00000000-1"}, boost::test_tools::per_element());
  }
  BOOST_TEST(refusal(ledgers, "dev:eth0").starts_with("'dev:eth0' is not lent"));
  BOOST_TEST(refusal(ledgers, "mac:here") != "nothing was refused");
}

BOOST_AUTO_TEST_CASE(a_borrower_is_found_by_what_to_takes) {
  Ledger process = make_ledger("pid-42", 1, {make_loan("lan0", "eth0")});
  process.netns_path.clear();
  process.process.emplace().pid = 42;
  const std::vector<Ledger> ledgers{process, make_ledger("blue", 2, {make_loan("lan1", "eth0")})};
  BOOST_TEST(find(ledgers, "pid:42") == Names{"pid-42-00000000-1"},
             boost::test_tools::per_element());
  for (const char* word : {"netns:blue", "netns:/run/netns/blue"}) {
    BOOST_TEST(find(ledgers, word) == Names{"blue-00000000-2"}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(of_two_loans_of_one_name_the_preferred_one_is_meant) {
  const std::vector<Ledger> ledgers{make_ledger("gone", 1, {make_loan("lan0", "eth0")}),
                                    make_ledger("box", 2, {make_loan("lan0", "eth0")})};
  const auto names = find_ledgers(
      ledgers, "lan0", [](const Ledger& ledger, const Loan&) { return ledger.id.str() == "box"; });
  BOOST_TEST(names == Names{"box-00000000-2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_two_borrowers_have_is_ambiguous) {
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {make_loan("lan0", "eth0")}),
                                    make_ledger("other", 2, {make_loan("lan1", "eth0")})};
  BOOST_TEST(refusal(ledgers, "eth0") ==
             "'eth0' is ambiguous: 'lan0' to box (/run/netns/box) as 'eth0', 'lan1' to other "
             "(/run/netns/other) as 'eth0'; use a name that only one of them has");
}

BOOST_AUTO_TEST_CASE(an_id_is_found_by_how_it_alone_begins) {
  const std::vector<Ledger> ledgers{make_ledger("afa3d4bde782", 1, {make_loan("lan0", "eth0")}),
                                    make_ledger("afb3", 2, {make_loan("lan1", "eth0")}),
                                    make_ledger("afb3", 3, {make_loan("lan2", "eth0")}),
                                    make_ledger("box", 4, {make_loan("a", "afa")})};
  BOOST_TEST(find(ledgers, "afa3") == Names{"afa3d4bde782-00000000-1"},
             boost::test_tools::per_element());
  BOOST_TEST(find(ledgers, "afb") == (Names{"afb3-00000000-2", "afb3-00000000-3"}),
             boost::test_tools::per_element());
  // A device's name is rather meant, and a whole id.
  for (const char* word : {"a", "afa", "b"}) {
    BOOST_TEST(find(ledgers, word) == Names{"box-00000000-4"}, boost::test_tools::per_element());
  }
  BOOST_TEST(refusal(ledgers, "af") ==
             "'af' is ambiguous, ids of several begin so: 'lan0' to afa3d4bde782 "
             "(/run/netns/afa3d4bde782) as 'eth0', 'lan1' to afb3 (/run/netns/afb3) as 'eth0', "
             "'lan2' to afb3 (/run/netns/afb3) as 'eth0'");
  BOOST_TEST(refusal(ledgers, "").starts_with("'' is"));
  BOOST_TEST(refusal(ledgers, "dev:a") == "nothing was refused");
  BOOST_TEST(refusal(ledgers, "c").starts_with("'c' is not lent and nobody's id"));
}

BOOST_AUTO_TEST_CASE(a_whole_id_is_rather_meant_than_a_longer_one) {
  const std::vector<Ledger> ledgers{make_ledger("box", 1, {make_loan("lan0", "eth0")}),
                                    make_ledger("box2", 2, {make_loan("lan1", "eth0")})};
  BOOST_TEST(find(ledgers, "box") == Names{"box-00000000-1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_not_lent_is_refused_with_what_is) {
  BOOST_TEST(refusal({}, "lan0") == "'lan0' is not lent and nobody's id; lent are: nothing");
  BOOST_TEST(refusal({make_ledger("box", 1, {make_loan("lan0", "eth0")})}, "lan\n9") ==
             "'lan\\x0a9' is not lent and nobody's id; lent are: 'lan0' to box (/run/netns/box) as "
             "'eth0'");
}

BOOST_AUTO_TEST_CASE(of_many_loans_a_refusal_names_eight) {
  constexpr std::size_t kMany = 30;
  std::vector<Ledger> ledgers;
  ledgers.reserve(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    ledgers.push_back(make_ledger("box", i, {make_loan("lan" + std::to_string(i), "eth0")}));
  }
  const std::string said = refusal(ledgers, "other");
  BOOST_TEST(said.ends_with("'lan7' to box (/run/netns/box) as 'eth0' and 22 more, which 'netlend "
                            "loans' lists"),
             said);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(time)

BOOST_AUTO_TEST_CASE(is_written_in_utc) {
  BOOST_TEST(format_time(1'700'000'000) == "2023-11-14T22:13:20Z");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
