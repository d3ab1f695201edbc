// Many at once: who want the same, or who want a device each; and many devices for one.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <string_view>
#include <vector>

#include "base/syscall.hpp"
#include "fault/scene.hpp"
#include "net/ledger/ledger.hpp"
#include "net/plan/plan_rules.hpp"

using netlend::check;
using netlend::Plan;
using netlend::UniqueFd;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::Scene;
using netlend::test::Sleeper;

namespace {
constexpr int kRounds = 20;
constexpr int kClaimants = 100;
constexpr std::int64_t kAnswerWithinMs = 1000;

/// What a claimant got: a pipe takes it whole. Source: pipe(7), PIPE_BUF.
struct Answer {
  int claimant = 0;
  std::int64_t took_ms = 0;
  /// What lend() threw; empty for who won.
  std::array<char, 400> error{};
};

std::string id_of(int claimant) { return "c" + std::to_string(claimant); }

/// Lends to each of the borrowers in a process of its own, all at the same moment.
class Race {
 public:
  Race(Scene& scene, const std::vector<std::unique_ptr<Sleeper>>& borrowers)
      : scene_(scene), borrowers_(borrowers) {
    start_ = make_pipe();
    answers_ = make_pipe();
  }

  /// `plan_of` says what claimant number N wants.
  template <typename PlanOf>
  std::vector<Answer> run(PlanOf plan_of) {
    std::vector<pid_t> children;
    for (int i = 0; i < static_cast<int>(borrowers_.size()); ++i) {
      const pid_t child = check(::fork(), "fork", "a claimant");
      if (child == 0) claim(i, plan_of(i));
      children.push_back(child);
    }
    start_[0].reset();
    start_[1].reset();  // Now.
    std::vector<Answer> answers(borrowers_.size());
    for (auto& answer : answers) {
      const auto got =
          netlend::retry([&] { return ::read(answers_[0].get(), &answer, sizeof answer); });
      BOOST_REQUIRE(got == static_cast<ssize_t>(sizeof answer));
    }
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    return answers;
  }

 private:
  using Pipe = std::array<UniqueFd, 2>;

  static Pipe make_pipe() {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  }

  [[noreturn]] void claim(int claimant, const Plan& plan) {
    start_[1].reset();
    char nothing = 0;
    static_cast<void>(::read(start_[0].get(), &nothing, 1));  // Ends when all writers are gone.
    Answer answer{.claimant = claimant};
    const std::int64_t begin = netlend::monotonic_ms();
    try {
      const auto& borrower = *borrowers_[static_cast<std::size_t>(claimant)];
      static_cast<void>(lend(scene_.context(), plan, Lab::borrower_of(borrower, id_of(claimant))));
    } catch (const std::exception& error) {
      std::string_view(error.what()).copy(answer.error.data(), answer.error.size() - 1);
    }
    answer.took_ms = netlend::monotonic_ms() - begin;
    static_cast<void>(::write(answers_[1].get(), &answer, sizeof answer));
    ::_exit(0);
  }

  Scene& scene_;
  const std::vector<std::unique_ptr<Sleeper>>& borrowers_;
  Pipe start_;
  Pipe answers_;
};

struct Claimants : public Scene {
  explicit Claimants(int count = kClaimants) {
    for (int i = 0; i < count; ++i) borrowers.push_back(std::make_unique<Sleeper>());
  }
  std::vector<std::unique_ptr<Sleeper>> borrowers;
};

struct TwoClaimants : public Claimants {
  TwoClaimants() : Claimants(2) {}
};

/// One has it, and the others were told who.
void check_one_winner(const std::vector<Answer>& answers) {
  const auto won = [](const Answer& answer) { return answer.error.front() == '\0'; };
  BOOST_TEST(std::count_if(answers.begin(), answers.end(), won) == 1);
  const auto winner = std::find_if(answers.begin(), answers.end(), won);
  if (winner == answers.end()) return;
  const std::string told = "is lent to '" + id_of(winner->claimant) + "'";
  for (const auto& answer : answers) {
    const std::string error = answer.error.data();
    if (won(answer)) continue;
    BOOST_TEST(error.find(told) != std::string::npos, error);
  }
}

std::int64_t slowest_refusal(const std::vector<Answer>& answers) {
  std::int64_t slowest = 0;
  for (const auto& answer : answers) {
    if (answer.error.front() != '\0') slowest = std::max(slowest, answer.took_ms);
  }
  return slowest;
}

/// own1 to own100, each with something to lose.
constexpr const char* kOwnDevices = R"(
  for i in $(seq 100); do
    echo "link add own$i type ifb"
    echo "link set own$i mtu $((1400 + i)) alias device-$i"
    echo "link property add dev own$i altname the-device-$i"
    echo "address add 10.78.$i.1/24 dev own$i"
    echo "link set own$i up"
    echo "route add 10.79.$i.0/24 via 10.78.$i.9"
  done | ip -batch -
)";

std::string spec_of(int claimant) {
  const std::string number = std::to_string(claimant + 1);
  return "eth0=own" + number + " addr=10.80.0." + number + "/24";
}

Plan plan_of_both(const char* first, const char* second) {
  Plan plan;
  plan.nics.push_back(netlend::parse_nic_spec(std::string("eth0=") + first));
  plan.nics.push_back(netlend::parse_nic_spec(std::string("eth1=") + second));
  return plan;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(many_at_once)

BOOST_FIXTURE_TEST_CASE(of_a_hundred_who_want_a_device_one_gets_it_and_the_others_hear_who,
                        Claimants) {
  std::int64_t slowest = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto answers =
        Race(*this, borrowers).run([](int) { return Lab::plan("eth0=lan0 addr=10.77.0.2/24"); });
    check_one_winner(answers);
    slowest = std::max(slowest, slowest_refusal(answers));
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(difference() == "");
  }
  BOOST_TEST_MESSAGE("the slowest refusal came after " << slowest << " ms");
  BOOST_TEST(slowest < kAnswerWithinMs);
  netlend::test::tell_survived("100 who want one device at the same moment", "lend", kRounds);
}

BOOST_FIXTURE_TEST_CASE(a_hundred_containers_have_a_device_each_and_all_come_home, Claimants) {
  add(kOwnDevices);
  const auto answers =
      Race(*this, borrowers).run([](int claimant) { return Lab::plan(spec_of(claimant)); });
  for (const auto& answer : answers) BOOST_TEST(answer.error.data() == "");
  for (std::size_t i = 0; i < borrowers.size(); ++i) {
    const auto inside = borrowers[i]->sh("ip -o link show eth0; ip -o addr show dev eth0");
    const std::string number = std::to_string(i + 1);
    BOOST_TEST(netlend::test::says(inside, "the-device-" + number + "\\"), inside);
    BOOST_TEST(netlend::test::says(inside, " 10.80.0." + number + "/24 "), inside);
  }
  // One in two dies, which only reap notices.
  for (std::size_t i = 0; i < borrowers.size(); i += 2) borrowers[i]->kill();
  BOOST_TEST(netlend::reap(context(), netlend::ReapScope::dead).empty());
  BOOST_TEST(list_ledgers(state()).size() == borrowers.size() / 2);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
  const char* const fault = "100 who want a device each at the same moment";
  netlend::test::tell_survived(fault, "lend", kClaimants);
  netlend::test::tell_survived(fault, "give back", kClaimants / 2);
  netlend::test::tell_survived(fault, "reap", kClaimants / 2);
}

// As many as a plan can have.
BOOST_FIXTURE_TEST_CASE(of_sixty_four_devices_in_one_plan_all_come_home, Scene) {
  add(kOwnDevices);
  const auto count = static_cast<int>(netlend::kNicsMax);
  Plan wanted;
  for (int i = 1; i <= count; ++i) {
    wanted.nics.push_back(
        netlend::parse_nic_spec(fmt::format("eth{0}=own{0} addr=10.80.{0}.2/24", i)));
  }
  const std::string ledger = lend(context(), wanted, borrower());
  const auto inside = container.sh("ip -o link show; ip -o addr show");
  for (int i = 1; i <= count; ++i) {
    const std::string name = fmt::format("altname the-device-{}\\", i);
    const std::string address =
        fmt::format(" 10.80.{0}.2/24 brd 10.80.{0}.255 scope global eth{0}\\", i);
    BOOST_TEST(netlend::test::says(inside, name), name);
    BOOST_TEST(netlend::test::says(inside, address), address);
  }
  BOOST_TEST(netlend::test::texts_of(give_back(context(), ledger)) == "");
  BOOST_TEST(difference() == "");
}

BOOST_FIXTURE_TEST_CASE(of_two_who_want_two_devices_in_opposite_order_one_gets_both, TwoClaimants) {
  for (int round = 0; round < kRounds; ++round) {
    check_one_winner(Race(*this, borrowers).run([](int claimant) {
      return claimant == 0 ? plan_of_both("lan0", "mac0") : plan_of_both("mac0", "lan0");
    }));
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(difference() == "");
  }
  netlend::test::tell_survived("two who want two devices in opposite order", "lend", kRounds);
}

BOOST_AUTO_TEST_SUITE_END()
