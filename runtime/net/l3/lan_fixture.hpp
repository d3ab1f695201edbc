#pragma once

#include <functional>
#include <string>

#include "net/kernel/step_callback.hpp"
#include "net/lender_fixture.hpp"
#include "net/plan/plan_parse.hpp"
#include "support/own_namespaces.hpp"

namespace netlend::test {

/// A fresh home whose "up0" has 10.9.0.1, .11 and .12 and fd09::1, ::11 and ::12, joined to the
/// neighbour's "l0" with 10.9.0.100 and fd09::100; two borrowers.
class Lan : public LenderFixture {
 public:
  Lan();

  /// In mode(), unless the words say another.
  static Plan plan(const std::string& spec);
  /// That of NETLEND_L3_MODE; without it "routed".
  static std::string mode();
  /// The device that the addresses are on inside.
  static std::string device_inside() { return mode() == "kernel" ? "up0" : "eth0"; }
  /// In a network namespace of its own; in mode "kernel" in an L3 one of this home's.
  static Sleeper new_borrower();
  /// Lends to `c1`, or to another.
  std::string lend_to_c1(const std::string& spec) {
    return lend(context(), plan(spec), borrower_of(c1, "c1"));
  }
  std::string lend_to_c2(const std::string& spec) {
    return lend(context(), plan(spec), borrower_of(c2, "c2"));
  }
  /// What the guardian does when it is told of a change at home. Fails the test if that fails.
  void keep_up(const std::string& ledger);
  /// The failures' texts, in one line.
  std::string give_all_back() { return joined(LenderFixture::give_all_back()); }
  /// All that a loan of addresses could leave at home: addresses in their order, routes, rules,
  /// neighbours, links, sysctls.
  static std::string home_now();
  /// Fails the test unless home is as it was when the Lan was made and nothing is in the state.
  void check_home_as_it_was();

 private:
  struct NewHome {
    NewHome();
  };
  NewHome new_home_;

 public:
  Sleeper c1 = new_borrower();
  Sleeper c2 = new_borrower();

 private:
  std::string before_;
};

/// Echo requests from a namespace, one each half millisecond, which kernels answer.
class Echo {
 public:
  Echo(const Sleeper& from, const std::string& to);
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  Echo(Echo&&) = delete;
  Echo& operator=(Echo&&) = delete;
  ~Echo();

  struct Result {
    int sent = 0;
    int lost = 0;
    /// Between two answers that came one after the other.
    double longest_silence_ms = 0;
  };
  /// Waits until so many more have been answered.
  void wait_for_answers(int count);
  /// Waits for the last answers.
  Result finish();

 private:
  pid_t pid_ = -1;
  UniqueFd control_;
  struct Shared;
  Shared* shared_ = nullptr;
};

/// Runs `work` in a process that ends at the first step for which `is_last` is true; true if there
/// was one.
bool is_killed_when(const std::function<bool(std::string_view)>& is_last,
                    const std::function<void(const StepCallback&)>& work);
/// As is_killed_when(), at the step of that number.
bool is_killed_at(int number, const std::function<void(const StepCallback&)>& work);

/// What a command says, or its error; for what is to fail.
std::string output_of(const Sleeper& where, const std::string& command);

/// Whether an echo request is answered, within two seconds.
bool reaches(const Sleeper& from, const std::string& address);

}  // namespace netlend::test
