#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "net/ledger/state_directory.hpp"
#include "net/lending.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/snapshot/snapshot.hpp"
#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

namespace netlend::test {

/// A fresh home namespace in which "lan0" has about all that a device can have and "peer0", in the
/// namespace of another process, answers it; a borrower; an empty state folder.
class Lab {
 public:
  Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;
  Lab(Lab&&) = delete;
  Lab& operator=(Lab&&) = delete;
  ~Lab();

  StateDirectory& state() { return *state_; }
  LendingContext context() { return {.state = *state_, .on_step = {}}; }
  Borrower borrower(const std::string& id = "db1") { return borrower_of(container, id); }
  static Borrower borrower_of(const Sleeper& who, const std::string& id = "db1");
  static Plan plan(const std::string& spec) {
    Plan plan;
    plan.nics.push_back(parse_nic_spec(spec));
    return plan;
  }
  static DeviceSnapshot snapshot(const std::string& device);
  /// Fails the test unless lan0 is at home as it was when the Lab was made.
  void check_home_as_it_was();
  /// Fails the test unless there are no ledgers, leases, pins or staging namespaces left.
  void check_state_is_empty();
  /// Gives back all that is lent; the failures' texts.
  std::vector<std::string> give_all_back();

  Sleeper neighbour;
  Sleeper container;

 private:
  std::string state_path_;
  std::unique_ptr<StateDirectory> state_;
  std::string before_;
  std::unique_ptr<DeviceSnapshot> before_snapshot_;
};

/// The texts in one line, for messages of failed checks.
std::string joined(const std::vector<std::string>& texts);

}  // namespace netlend::test
