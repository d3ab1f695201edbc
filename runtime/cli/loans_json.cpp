#include "cli/loans_json.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/ledgers.hpp"

namespace netlend::cli {

using json = nlohmann::ordered_json;

namespace {
/// Whose loan it is and how it comes home.
void put_ledger(json& object, const Ledger& ledger, HomeBy by) {
  object["borrower"] = ledger.id.str();
  object["ledger"] = ledger.name;
  if (ledger.process) object["pid"] = ledger.process->pid;
  if (!ledger.netns_path.empty()) object["netns"] = bytes_to_utf8(ledger.netns_path);
  object["netns_inode"] = ledger.borrower.inode;
  object["home"] = bytes_to_utf8(describe_home(ledger.home));
  object["home_inode"] = ledger.home.inode;
  object["since"] = format_time(ledger.created_at_s);
  object["home_by"] = word_for(by);
}

json loan_to_json(const Ledger& ledger, const Loan& loan, HomeBy by) {
  json object{{"id", loan.id},
              {"device", bytes_to_utf8(loan.home_name())},
              {"inside", bytes_to_utf8(loan.inside)},
              {"made_pair", loan.pair.has_value()}};
  put_ledger(object, ledger, by);
  object["stage"] = stage_name(loan.stage);
  return object;
}

json loan_to_json(const Ledger& ledger, const AddressLoan& loan, HomeBy by) {
  json object{{"id", loan.id}, {"inside", bytes_to_utf8(loan.inside)}, {"mode", loan.mode}};
  for (const auto& lent : loan.addresses) {
    object["addresses"].push_back(
        {{"address", lent.home.address().str()}, {"device", bytes_to_utf8(lent.device_name)}});
  }
  for (const auto& range : loan.ports) object["ports"].push_back(format_ports(range));
  put_ledger(object, ledger, by);
  object["stage"] = stage_name(loan.stage);
  return object;
}
}  // namespace

json loans_to_json(const Books& books, const std::vector<Ledger>& ledgers) {
  json array = json::array();
  for (const auto& ledger : ledgers) {
    const auto by = home_by(books, ledger);
    for (std::size_t i = 0; i < by.size(); ++i) {
      array.push_back(loan_to_json(ledger, ledger.loans[i], by[i]));
    }
    for (const auto& loan : ledger.address_loans) {
      array.push_back(loan_to_json(ledger, loan, home_of_addresses_by(books, ledger)));
    }
  }
  return array;
}

std::string format_json(const json& value) {
  constexpr int kIndent = 2;
  return value.dump(kIndent) + "\n";
}

}  // namespace netlend::cli
