#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "net/ledger/state_directory.hpp"
#include "net/lending.hpp"
#include "support/lab.hpp"

namespace netlend::test {

/// What all have in common who lend: a neighbour, in whose namespace is whatever answers home's
/// devices, and an empty state folder. At the end all is given back, and the folder is removed.
class LenderFixture {
 public:
  LenderFixture(const LenderFixture&) = delete;
  LenderFixture& operator=(const LenderFixture&) = delete;
  LenderFixture(LenderFixture&&) = delete;
  LenderFixture& operator=(LenderFixture&&) = delete;

  StateDirectory& state() { return state_; }
  LendingContext context() { return {.state = state_, .on_step = {}}; }
  /// One that keeps what it is told in `notes`.
  LendingContext listening();
  static Borrower borrower_of(const Sleeper& who, const std::string& id = "db1");
  /// Gives back all that is lent; the failures' texts.
  std::vector<std::string> give_all_back();
  /// Fails the test unless there are no ledgers, leases, pins or staging namespaces left.
  void check_state_is_empty();

  Sleeper neighbour;
  std::vector<std::string> notes;

 protected:
  LenderFixture();
  ~LenderFixture();

 private:
  std::string state_path_;
  StateDirectory state_;
};

/// The texts in one line, for messages of failed checks.
std::string joined(const std::vector<std::string>& texts);
std::string texts_of(const Failures& failures);

}  // namespace netlend::test
