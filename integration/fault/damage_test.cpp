#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/error.hpp"
#include "fault/scene.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

using netlend::Failures;
using netlend::Leftover;
using netlend::ReapScope;
using netlend::test::Devices;
using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::plan_of;
using netlend::test::Scene;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::texts_of;

namespace {
std::string read_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

/// Each prefix of `text`, some with zeroes in the place of the rest, too, and each byte of it
/// flipped. Only its last newline can be missed.
int for_each_damage(const std::string& text,
                    const std::function<void(const std::string& damaged)>& check) {
  int count = 0;
  for (std::size_t size = 0; size + 1 < text.size(); ++size, ++count) check(text.substr(0, size));
  constexpr std::size_t kStep = 16;
  for (std::size_t size = 0; size + 1 < text.size(); size += kStep, ++count) {
    check(text.substr(0, size) + std::string(text.size() - size, '\0'));
  }
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

/// A borrower has lan0, and nobody anything else.
class Lent : public Scene {
 public:
  Lent() : name(lend(context(), plan_of(Devices::one), borrower_of(mortal))) {}
  std::string ledger_path() { return state().path() + "/ledgers/" + name; }
  std::string copy_path() { return state().path() + "/ledgers/." + name + ".copy"; }
  std::string lease_path() { return only_file_in(state().path() + "/devices"); }
  std::string aside_path() { return state().path() + "/damaged-" + name; }

  /// One that counts the steps, too.
  netlend::LendingContext listening() {
    auto context = Scene::listening();
    context.on_step = [&](std::string_view) { ++steps; };
    return context;
  }

  Sleeper mortal;
  std::string name;
  int steps = 0;
};

struct Damage {
  const char* what;
  std::function<void(const std::string& path)> strike;
};

const std::vector<Damage>& damages() {
  static const std::vector<Damage> all{
      {"emptied", [](const std::string& path) { write_text(path, ""); }},
      {"cut short",
       [](const std::string& path) {
         const auto text = read_text(path);
         write_text(path, text.substr(0, text.size() / 2));
       }},
      {"filled up with zeroes",
       [](const std::string& path) {
         auto text = read_text(path);
         write_text(path, text.replace(text.size() - 4096, 4096, 4096, '\0'));
       }},
      {"with a flipped bit",
       [](const std::string& path) {
         auto text = read_text(path);
         text[text.size() / 3] = static_cast<char>(text[text.size() / 3] ^ 1);
         write_text(path, text);
       }},
      {"removed", [](const std::string& path) { std::filesystem::remove(path); }}};
  return all;
}

struct WayHome {
  const char* what;
  std::function<Failures(Lent& lent)> go;
};

const std::vector<WayHome>& ways_home() {
  static const std::vector<WayHome> all{
      {"reap",
       [](Lent& lent) {
         lent.mortal.kill();
         return reap(lent.listening(), ReapScope::dead);
       }},
      {"reap --all", [](Lent& lent) { return reap(lent.listening(), ReapScope::all); }},
      {"return", [](Lent& lent) { return give_back(lent.listening(), lent.name); }},
      {"return --forget",
       [](Lent& lent) { return give_back(lent.listening(), lent.name, Leftover::forget); }},
      {"a new start", [](Lent& lent) {
         lent.mortal.kill();
         Sleeper again;
         const auto ledger =
             lend(lent.listening(), plan_of(Devices::one), Lent::borrower_of(again));
         return give_back(lent.listening(), ledger);
       }}};
  return all;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(damaged_files)

BOOST_FIXTURE_TEST_CASE(each_damage_of_a_ledger_is_noticed_and_its_copy_says_the_same, Lent) {
  constexpr int kStep = 16;  // To read the copy takes much longer than to notice.
  const std::string text = read_text(ledger_path());
  const auto whole = netlend::parse_ledger(name, text);
  int nth = 0;
  const int count = for_each_damage(text, [&](const std::string& damaged) {
    const auto why = error_of([&] { netlend::parse_ledger(name, damaged); });
    bool is_survived = why.starts_with("the ledger '" + name + "' is broken: ");
    if (nth++ % kStep == 0) {
      write_text(ledger_path(), damaged);
      is_survived = is_survived && load_ledger(state(), name) == whole;
    }
    if (!is_survived) BOOST_ERROR("with " << damaged.size() << " bytes of " << text.size());
  });
  BOOST_TEST(count > 2000);
  netlend::test::tell_survived("a ledger cut short, filled with zeroes, or with a bit flipped",
                               "reap", count);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_ledger_is_put_aside_and_whole_again, Lent) {
  const std::string text = read_text(ledger_path());
  for (const auto& damage : damages()) {
    BOOST_TEST_CONTEXT("a ledger " << damage.what) {
      damage.strike(ledger_path());
      const auto damaged = read_text(ledger_path());
      const bool is_there = std::filesystem::exists(ledger_path());
      load_and_mend_ledger(state(), name, listening().on_note);
      BOOST_TEST(read_text(ledger_path()) == text);
      BOOST_TEST(std::filesystem::exists(aside_path()) == is_there);
      BOOST_TEST(read_text(aside_path()) == damaged);
      std::filesystem::remove(aside_path());
    }
  }
  BOOST_TEST(notes.size() == damages().size());
  BOOST_TEST(notes.front().starts_with("the ledger '" + name + "' is broken: "), notes.front());
}

BOOST_FIXTURE_TEST_CASE(a_damage_takes_nothing_from_a_living_borrower, Lent) {
  for (const auto& damage : damages()) {
    BOOST_TEST_CONTEXT("a ledger " << damage.what) {
      damage.strike(ledger_path());
      BOOST_TEST(texts_of(reap(listening(), ReapScope::dead)) == "");
      BOOST_TEST(steps == 0);
      BOOST_TEST(lend(listening(), plan_of(Devices::one), borrower_of(mortal)) == name);
    }
  }
  BOOST_TEST(notes.size() == damages().size());
}

BOOST_AUTO_TEST_CASE(every_way_leads_home_from_a_damaged_ledger) {
  int count = 0;
  for (const auto& damage : damages()) {
    for (const auto& way : ways_home()) {
      BOOST_TEST_CONTEXT("a ledger " << damage.what << ", " << way.what) {
        Lent lent;
        damage.strike(lent.ledger_path());
        const bool is_there = std::filesystem::exists(lent.ledger_path());
        BOOST_TEST(texts_of(way.go(lent)) == "");
        const auto said = joined(lent.notes);
        BOOST_TEST(said.find(lent.name + "' is ") != std::string::npos, said);
        BOOST_TEST(std::filesystem::remove(lent.aside_path()) == is_there);
        BOOST_TEST(lent.difference() == "");
        ++count;
      }
    }
  }
  netlend::test::tell_survived("a damaged or removed ledger, by each way home", "give back", count);
}

BOOST_FIXTURE_TEST_CASE(the_loan_of_a_closed_ledger_is_not_opened_again, Lent) {
  BOOST_TEST(texts_of(give_back(listening(), name)) == "");
  BOOST_TEST(!is_open(state(), name));
  BOOST_TEST(!std::filesystem::exists(copy_path()));
}

BOOST_FIXTURE_TEST_CASE(a_copy_that_is_broken_alone_is_no_loss, Lent) {
  write_text(copy_path(), "{");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_FIXTURE_TEST_CASE(without_a_whole_copy_nothing_is_done_but_by_forget, Lent) {
  const std::string lost = "the ledger '" + name + "' is broken: ";
  write_text(ledger_path(), "{");
  write_text(copy_path(), "{");
  for (const auto& said :
       {texts_of(reap(listening(), ReapScope::all)), texts_of(give_back(listening(), name))}) {
    BOOST_TEST(said.starts_with(lost), said);
    BOOST_TEST(said.find("'netlend return --forget " + name + "'") != std::string::npos, said);
  }
  BOOST_TEST(steps == 0);
  const auto given_up = texts_of(give_back(listening(), name, Leftover::forget));
  BOOST_TEST(given_up.find("is here again") != std::string::npos, given_up);
  BOOST_TEST(given_up.find("'" + name + "' is given up") != std::string::npos, given_up);
  BOOST_TEST(sh("ip -j link show lan-left | grep -c netlend- || true") == "0");
  BOOST_TEST(std::filesystem::remove(aside_path()));
  check_state_is_empty();
}

BOOST_FIXTURE_TEST_CASE(each_damage_of_a_lease_is_mended_from_its_ledger, Lent) {
  const std::string path = lease_path();
  const std::string text = read_text(path);
  const int count = for_each_damage(text, [&](const std::string& damaged) {
    write_text(path, damaged);
    notes.clear();
    // Of the dead only: the borrower lives.
    const auto failures = texts_of(reap(listening(), ReapScope::dead));
    if (!failures.empty() || notes.size() != 1 || steps != 0 || read_text(path) != text) {
      BOOST_ERROR("with '" << damaged << "' it says: " << failures << joined(notes));
    }
  });
  netlend::test::tell_survived("a lease cut short, filled with zeroes, or with a bit flipped",
                               "reap", count);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_FIXTURE_TEST_CASE(a_damaged_lease_goes_with_its_loan, Lent) {
  write_text(lease_path(), "{");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_FIXTURE_TEST_CASE(a_damaged_lease_of_nobody_is_removed, Lent) {
  BOOST_TEST(joined(give_all_back()) == "");
  write_text(state().path() + "/devices/virtual-1-7", "{");
  BOOST_TEST(texts_of(reap(listening(), ReapScope::dead)) == "");
  BOOST_TEST(difference() == "");
}

BOOST_FIXTURE_TEST_CASE(an_unreadable_ledger_keeps_no_other_device_away, Lent) {
  Sleeper other;
  lend(context(), plan_of(Devices::three), borrower_of(other, "db2"));
  other.kill();
  const std::string text = read_text(ledger_path());
  write_text(ledger_path(), "");
  write_text(copy_path(), "");
  BOOST_TEST(joined(give_all_back()).starts_with("the ledger '" + name + "' is broken"));
  write_text(ledger_path(), text);
  BOOST_TEST(list_ledgers(state()).size() == 1);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(difference() == "");
}

BOOST_AUTO_TEST_SUITE_END()
