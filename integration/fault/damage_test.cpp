#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/error.hpp"
#include "fault/scene.hpp"
#include "net/ledger/ledger.hpp"

using netlend::Failures;
using netlend::ReapScope;
using netlend::test::Devices;
using netlend::test::joined;
using netlend::test::plan_of;
using netlend::test::Scene;
using netlend::test::Sleeper;

namespace {
std::string read_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

/// Each prefix of `text` and each byte of it flipped. Only its last newline can be missed.
int for_each_damage(const std::string& text,
                    const std::function<void(const std::string& damaged)>& check) {
  int count = 0;
  for (std::size_t size = 0; size + 1 < text.size(); ++size, ++count) check(text.substr(0, size));
  for (std::size_t i = 0; i < text.size(); ++i, ++count) {
    std::string damaged = text;
    // One bit, each in turn.
    damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << (i % 8)));
    check(damaged);
  }
  return count;
}

std::string only_file_in(const std::string& folder) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().front() != '.') found = entry.path().string();
  }
  return found;
}

/// A living borrower has lan0, and the dead nothing.
class Lent : public Scene {
 public:
  Lent() : name(lend(context(), plan_of(Devices::one), borrower())) {}
  std::string ledger_path() const { return folder() + "/ledgers/" + name; }
  std::string lease_path() const { return only_file_in(folder() + "/devices"); }

  /// What reap() says, which must not have taken a step.
  std::vector<std::string> reap_in_vain() {
    auto counting = context();
    int steps = 0;
    counting.on_step = [&](std::string_view) { ++steps; };
    std::vector<std::string> texts;
    for (const auto& failure : reap(counting, ReapScope::all)) texts.push_back(failure.what);
    if (steps != 0) texts.push_back("it changed something");
    return texts;
  }

  std::string name;

 private:
  std::string folder() const { return const_cast<Lent*>(this)->state().path(); }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(damaged_files, Lent)

BOOST_AUTO_TEST_CASE(each_damage_of_a_ledger_is_named_and_nothing_is_done_on_its_word) {
  const std::string text = read_text(ledger_path());
  const std::string wanted = "the ledger '" + name + "' is broken: ";
  const int count = for_each_damage(text, [&](const std::string& damaged) {
    write_text(ledger_path(), damaged);
    const auto said = reap_in_vain();
    if (said.size() != 1 || !said.front().starts_with(wanted)) {
      BOOST_ERROR("with " << damaged.size() << " bytes of " << text.size()
                          << " it says: " << joined(said));
    }
  });
  netlend::test::tell_survived("a ledger cut short, or with a bit flipped", "reap", count);
  write_text(ledger_path(), text);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_AUTO_TEST_CASE(each_damage_of_a_lease_is_named_and_it_is_not_dropped) {
  const std::string path = lease_path();
  const std::string text = read_text(path);
  const int count = for_each_damage(text, [&](const std::string& damaged) {
    write_text(path, damaged);
    std::vector<std::string> texts;
    // Of the dead only: the ledger is whole, and its borrower lives.
    for (const auto& failure : reap(context(), ReapScope::dead)) texts.push_back(failure.what);
    const auto said = joined(texts);
    if (!said.starts_with("the lease '" + path + "' is broken (") ||
        !std::filesystem::exists(path)) {
      BOOST_ERROR("with '" << damaged << "' it says: " << said);
    }
  });
  netlend::test::tell_survived("a lease cut short, or with a bit flipped", "reap", count);
  write_text(path, text);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_AUTO_TEST_CASE(a_damaged_lease_keeps_no_device_away) {
  const std::string path = lease_path();
  write_text(path, "{");
  const auto said = joined(give_all_back());
  BOOST_TEST(said.find("the lease '" + path + "' is broken") != std::string::npos, said);
  BOOST_REQUIRE(std::filesystem::remove(path));
  BOOST_TEST(difference() == "");
}

BOOST_AUTO_TEST_CASE(a_damaged_ledger_keeps_no_other_device_away) {
  Sleeper mortal;
  lend(context(), plan_of(Devices::three), borrower_of(mortal, "db2"));
  mortal.kill();
  const std::string text = read_text(ledger_path());
  write_text(ledger_path(), text.substr(0, text.size() / 2));
  BOOST_TEST(joined(give_all_back()).starts_with("the ledger '" + name + "' is broken"));
  write_text(ledger_path(), text);
  BOOST_TEST(list_ledgers(state()).size() == 1);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_AUTO_TEST_SUITE_END()
