#pragma once

#include <linux/bpf.h>

#include <memory>
#include <string>

#include "net/lender_fixture.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/snapshot/snapshot.hpp"
#include "support/own_namespaces.hpp"

namespace netlend::test {

/// A fresh home namespace in which "lan0" has about all that a device can have and the neighbour's
/// "peer0" answers it; a borrower.
class Lab : public LenderFixture {
 public:
  Lab();

  Borrower borrower(const std::string& id = "db1") { return borrower_of(container, id); }
  static Plan plan(const std::string& spec) {
    Plan plan;
    plan.nics.push_back(parse_nic_spec(spec));
    return plan;
  }
  static DeviceSnapshot snapshot(const std::string& device);
  /// Fails the test unless lan0 is at home as it was when the Lab was made.
  void check_home_as_it_was();

  Sleeper container;

 private:
  std::string before_;
  std::unique_ptr<DeviceSnapshot> before_snapshot_;
};

/// Loads a BPF program that lets every packet pass.
UniqueFd load_program(bpf_prog_type type);

}  // namespace netlend::test
