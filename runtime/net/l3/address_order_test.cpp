#include "net/l3/address_order.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/syscall.hpp"
#include "net/l3/lan_fixture.hpp"
#include "net/ledger/ledger.hpp"

using netlend::count_to_put_first;
using netlend::IpAddress;
using netlend::KnownPlace;
using netlend::order_at_home;
using netlend::test::is_killed_at;
using netlend::test::Lan;
using netlend::test::sh;
using netlend::test::Sleeper;

namespace {
IpAddress named(char name) { return IpAddress{std::string("fd09::") + name}; }

/// "abc": fd09::a, fd09::b and fd09::c.
std::vector<IpAddress> addresses(const std::string& names) {
  std::vector<IpAddress> all;
  for (const char name : names) all.push_back(named(name));
  return all;
}

std::string names(const std::vector<IpAddress>& all) {
  std::string out;
  for (const auto& address : all) out += address.str().back();
  return out;
}

/// "abc": c behind a and b.
std::string ordered(const std::string& now, const std::vector<std::string>& known) {
  std::vector<KnownPlace> places;
  places.reserve(known.size());
  for (const auto& each : known) {
    places.push_back({named(each.back()), addresses(each.substr(0, each.size() - 1))});
  }
  return names(order_at_home(addresses(now), places));
}
}  // namespace

BOOST_AUTO_TEST_SUITE(address_order)

BOOST_AUTO_TEST_CASE(with_no_known_places_addresses_stay_as_they_are) {
  BOOST_TEST(ordered("cab", {}) == "cab");
}

BOOST_AUTO_TEST_CASE(one_that_came_home_stands_directly_behind_those_before_it) {
  BOOST_TEST(ordered("dabce", {"abcd"}) == "abcde");
  BOOST_TEST(ordered("dfabc", {"ad"}) == "fadbc");
}

BOOST_AUTO_TEST_CASE(one_that_is_away_orders_those_on_both_sides_of_it) {
  BOOST_TEST(ordered("ca", {"ab", "bc"}) == "abc");
}

BOOST_AUTO_TEST_CASE(places_that_contradict_each_other_change_nothing) {
  BOOST_TEST(ordered("cab", {"ab", "ba"}) == "cab");
}

BOOST_AUTO_TEST_CASE(only_those_before_the_longest_tail_that_stands_right_are_put_first) {
  const auto count = [](const std::string& now, const std::string& wanted) {
    return count_to_put_first(addresses(now), addresses(wanted));
  };
  BOOST_TEST(count("abcde", "abcde") == 0U);
  BOOST_TEST(count("dabce", "abcde") == 3U);
  BOOST_TEST(count("bacde", "abcde") == 1U);
  BOOST_TEST(count("eabcd", "abcde") == 4U);
}

namespace {
/// Lends and gives back as the ledgers would have it: each lent address with those before it at
/// that moment, each return at the head of what is there.
class Model {
 public:
  std::string at_home = "abcdef9";
  std::map<char, std::string> lent;

  void lend(char name) {
    std::string order = ordered(at_home, places());
    lent[name] = order.substr(0, order.find(name));
    std::erase(at_home, name);
  }
  void give_back(char name) {
    at_home.insert(at_home.begin(), name);
    const std::string order = ordered(at_home, places());
    std::string there;
    for (const char each : order) {
      if (at_home.find(each) != std::string::npos) there += each;
    }
    at_home = there;
    lent.erase(name);
  }

 private:
  std::vector<std::string> places() const {
    std::vector<std::string> known;
    for (const auto& [name, before] : lent) known.push_back(before + name);
    return known;
  }
};
}  // namespace

BOOST_AUTO_TEST_CASE(four_of_seven_lent_and_given_back_in_all_orders_stand_as_at_first) {
  std::string going = "9bdf";
  std::sort(going.begin(), going.end());
  int count = 0;
  do {
    std::string coming = "9bdf";
    std::sort(coming.begin(), coming.end());
    do {
      Model model;
      for (const char name : going) model.lend(name);
      for (const char name : coming) model.give_back(name);
      BOOST_REQUIRE_EQUAL(model.at_home, "abcdef9");
      ++count;
    } while (std::next_permutation(coming.begin(), coming.end()));
  } while (std::next_permutation(going.begin(), going.end()));
  BOOST_TEST(count == 24 * 24);
}

BOOST_AUTO_TEST_CASE(loans_that_begin_and_end_in_any_mixture_end_in_the_first_order) {
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    Model model;
    for (int step = 0; step < 12; ++step) {
      const char name = "abcdef9"[random() % 7];
      model.lent.contains(name) ? model.give_back(name) : model.lend(name);
    }
    while (!model.lent.empty()) model.give_back(model.lent.begin()->first);
    BOOST_REQUIRE_EQUAL(model.at_home, "abcdef9");
  }
}

namespace {
/// A device with fd09::15 to fd09::9, in that order, and fd09::1 behind them.
class SevenAddresses : public Lan {
 public:
  SevenAddresses() {
    sh("ip addr del fd09::11/64 dev up0; ip addr del fd09::12/64 dev up0");
    for (const char* last : {"9", "10", "11", "12", "13", "14", "15"}) {
      sh(std::string("ip addr add fd09::") + last + "/64 dev up0 nodad");
    }
    netlend::test::wait_for_dad();
    first_ = home_now();
  }

  std::string lend_one(std::size_t borrower, const std::string& address) {
    return lend(context(), plan("fd09::" + address),
                borrower_of(borrowers_[borrower], "b" + std::to_string(borrower)));
  }

  void check_as_at_first() {
    BOOST_TEST(home_now() == first_);
    BOOST_TEST(netlend::test::says(sh("ip route get fd09::100"), "src fd09::15"));
    check_state_is_empty();
  }

  /// What each does in a process of its own, at once; fails the test where one fails.
  template <typename Work>
  static void at_once(std::size_t count, Work work) {
    std::vector<pid_t> pids;
    for (std::size_t i = 0; i < count; ++i) {
      const pid_t pid = netlend::check(::fork(), "fork", "one of several");
      if (pid == 0) ::_exit(succeeds([&] { work(i); }) ? 0 : 1);
      pids.push_back(pid);
    }
    for (const pid_t pid : pids) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      BOOST_TEST(status == 0);
    }
  }

 private:
  template <typename Work>
  static bool succeeds(Work work) noexcept {
    try {
      work();
      return true;
    } catch (const std::exception& error) {
      static_cast<void>(::dprintf(STDERR_FILENO, "%s\n", error.what()));
      return false;
    }
  }

  std::array<Sleeper, 8> borrowers_{new_borrower(), new_borrower(), new_borrower(), new_borrower(),
                                    new_borrower(), new_borrower(), new_borrower(), new_borrower()};
  std::string first_;
};
}  // namespace

BOOST_FIXTURE_TEST_CASE(four_loans_come_home_in_orders_of_all_kinds, SevenAddresses) {
  const std::vector<std::vector<std::string>> going{{"15", "9", "14", "12"},
                                                    {"12", "14", "15", "9"}};
  for (const auto& wanted : going) {
    for (const std::array<std::size_t, 4>& coming :
         {std::array<std::size_t, 4>{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}}) {
      std::vector<std::string> ledgers;
      for (std::size_t i = 0; i < wanted.size(); ++i) ledgers.push_back(lend_one(i, wanted[i]));
      for (const std::size_t i : coming) BOOST_TEST(give_back(context(), ledgers[i]).empty());
      check_as_at_first();
    }
  }
}

BOOST_FIXTURE_TEST_CASE(eight_that_lend_and_give_back_at_once_leave_the_order, SevenAddresses) {
  const std::array<std::string, 7> wanted{"15", "9", "14", "12", "10", "13", "11"};
  for (int round = 0; round < 3; ++round) {
    at_once(wanted.size(), [&](std::size_t i) { lend_one(i, wanted[i]); });
    const auto ledgers = list_ledgers(state());
    BOOST_REQUIRE(ledgers.size() == wanted.size());
    at_once(ledgers.size(), [&](std::size_t i) {
      const auto failures = give_back(context(), ledgers[i]);
      if (!failures.empty()) throw netlend::Error(failures.front().what);
    });
    check_as_at_first();
  }
}

BOOST_FIXTURE_TEST_CASE(some_that_lend_while_others_give_back_leave_the_order, SevenAddresses) {
  const std::array<std::string, 4> out{"14", "12", "10", "9"};
  for (std::size_t i = 0; i < out.size(); ++i) lend_one(i, out[i]);
  const auto ledgers = list_ledgers(state());
  const std::array<std::string, 3> in{"15", "13", "11"};
  at_once(ledgers.size() + in.size(), [&](std::size_t i) {
    if (i >= ledgers.size()) {
      lend_one(i, in[i - ledgers.size()]);
      return;
    }
    const auto failures = give_back(context(), ledgers[i]);
    if (!failures.empty()) throw netlend::Error(failures.front().what);
  });
  BOOST_TEST(give_all_back() == "");
  check_as_at_first();
}

BOOST_FIXTURE_TEST_CASE(killed_at_any_change_of_giving_back_the_order_is_right_after_reaping,
                        SevenAddresses) {
  for (int number = 0;; ++number) {
    lend_one(0, "9 fd09::12");
    lend_one(1, "14");
    const bool is_killed = is_killed_at(number, [&](const netlend::StepCallback& on_step) {
      const netlend::LendingContext watched{.state = state(), .on_step = on_step};
      for (const auto& name : netlend::list_ledgers(state())) give_back(watched, name);
    });
    BOOST_TEST_CONTEXT("killed at change " << number) {
      BOOST_TEST(give_all_back() == "");
      check_as_at_first();
    }
    if (!is_killed) break;
  }
}

BOOST_FIXTURE_TEST_CASE(eight_addresses_of_260_come_home_in_one_pass, Lan) {
  sh("for i in $(seq 1 130); do ip addr add 10.9.$((i / 100 + 1)).$((i % 100 + 1))/24 dev up0;"
     " ip addr add fd09::1:$i/64 dev up0 nodad; done");
  netlend::test::wait_for_dad();
  const std::string first = home_now();
  lend_to_c1(
      "fd09::1:3 fd09::1:20 fd09::1:40 fd09::1:60 fd09::1:80 fd09::1:100 fd09::1:120 fd09::1:130");
  int taken_off = 0;
  const netlend::StepCallback count = [&](std::string_view step) {
    if (netlend::test::says(std::string(step), " for a moment")) ++taken_off;
  };
  const auto names = list_ledgers(state());
  const auto started_at = netlend::monotonic_ms();
  const auto failures = netlend::give_back({.state = state(), .on_step = count}, names.front());
  BOOST_TEST(failures.empty());
  BOOST_TEST_MESSAGE("eight of 263 addresses were given back in "
                     << netlend::monotonic_ms() - started_at << " ms, " << taken_off
                     << " taken off for a moment");
  // Those up to the last that was lent, once each.
  BOOST_TEST(taken_off > 0);
  BOOST_TEST(taken_off <= 127);
  BOOST_TEST(home_now() == first);
}

BOOST_AUTO_TEST_SUITE_END()
