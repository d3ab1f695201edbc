// What many loans leave behind that one wouldn't show.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "fault/scene.hpp"

using netlend::test::Devices;
using netlend::test::plan_of;
using netlend::test::Scene;
using netlend::test::sh;
using netlend::test::Sleeper;

namespace {
constexpr int kCycles = 50;
constexpr int kSoakCycles = 1000;
/// Until then the allocator and the caches of the C library grow.
constexpr int kWarmUpCycles = 10;
/// Less than one leaked snapshot a cycle comes to in the long count.
constexpr long kGrowthMaxKb = 512;

/// Memory of its own that is resident. Source: proc(5), /proc/PID/status.
long resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kb = 0;
    if (word == "RssAnon:" && status >> kb) return kb;
  }
  throw netlend::Error("/proc/self/status has no RssAnon");
}

/// What a process, and the namespaces that it is in, hold, in lines that can be compared.
std::string holdings() {
  std::string out;
  const auto count = [&out](const char* what, const char* folder, auto is_counted) {
    const auto entries = std::filesystem::directory_iterator(folder);
    const auto number = std::count_if(begin(entries), end(entries), [&](const auto& entry) {
      return is_counted(entry.path().filename().string());
    });
    out += std::string(what) + " " + std::to_string(number) + "\n";
  };
  count("descriptors", "/proc/self/fd", [](const std::string&) { return true; });
  count("processes", "/proc",
        [](const std::string& name) { return std::isdigit(static_cast<unsigned char>(name[0])); });
  return out + sh("echo namespaces $(lsns --noheadings --type net | wc -l);"
                  "echo mounts $(wc -l </proc/self/mountinfo);"
                  "echo locks $(find /run/netlend-*/ledgers -name '.*' | wc -l);"
                  "echo devices $(ip -o link | wc -l);"
                  "echo cgroups $(find /sys/fs/cgroup -type d | wc -l)");
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(many_cycles, Scene)

BOOST_AUTO_TEST_CASE(of_lending_and_giving_back_leave_nothing_behind) {
  const int cycles = netlend::test::is_soak() ? kSoakCycles : kCycles;
  std::string holdings_before;
  long resident_before_kb = 0;
  for (int cycle = 0; cycle < kWarmUpCycles + cycles; ++cycle) {
    if (cycle == kWarmUpCycles) {
      holdings_before = holdings();
      resident_before_kb = resident_kb();
    }
    Sleeper mortal;
    const auto ledger = lend(context(), plan_of(Devices::three), borrower_of(mortal));
    // In turns: poststop, and a death that only reap notices.
    if (cycle % 2 == 0) {
      BOOST_TEST(give_back(context(), ledger).empty());
    } else {
      mortal.kill();
      BOOST_TEST(reap(context(), netlend::ReapScope::dead).empty());
    }
  }
  const long grown_kb = resident_kb() - resident_before_kb;
  BOOST_TEST(holdings() == holdings_before);
  BOOST_TEST(difference() == "");
  BOOST_TEST(grown_kb <= kGrowthMaxKb);
  BOOST_TEST_MESSAGE(grown_kb << " kB more are resident");
  const char* const fault = "many in turn, which leave nothing behind";
  netlend::test::tell_survived(fault, "lend", cycles);
  netlend::test::tell_survived(fault, "give back", cycles - cycles / 2);
  netlend::test::tell_survived(fault, "reap", cycles / 2);
}

BOOST_AUTO_TEST_SUITE_END()
