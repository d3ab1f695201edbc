// Memory that the n-th allocation doesn't get, or none from there on.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "fault/scene.hpp"

using netlend::check;
using netlend::UniqueFd;
using netlend::test::Act;
using netlend::test::Devices;
using netlend::test::is_soak;
using netlend::test::Performance;
using netlend::test::Scene;
using netlend::test::tell_survived;

namespace {
constexpr long kNever = -1;

/// The operators below have no other place for it. NOLINTNEXTLINE(*-non-const-global-variables)
struct {
  long made = 0;
  long refused = kNever;
  bool refuses_later_ones = false;
} allocations;

bool is_refused(long number) {
  return allocations.refused != kNever &&
         (number == allocations.refused ||
          (number > allocations.refused && allocations.refuses_later_ones));
}
}  // namespace

void* operator new(std::size_t bytes) {
  constexpr std::size_t kAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  const std::size_t rounded = (bytes / kAlignment + 1) * kAlignment;
  void* const memory =
      is_refused(++allocations.made) ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// Not inlined: GCC 12 would see free() of what it takes for the library's operator new.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {
struct Shortage {
  /// Counted from 1; kNever: there is none.
  long at = kNever;
  bool stays = false;
};

/// In a child, which may end in any way. How many allocations it made until its end, if that was a
/// good one.
long perform_short_of_memory(Performance& performance, const Shortage& shortage) {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
  const UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  const pid_t child = check(::fork(), "fork", "a child without memory");
  if (child == 0) {
    netlend::reset_signals();  // Boost would catch its abort, of which nobody wants to read.
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    allocations = {.made = 0, .refused = shortage.at, .refuses_later_ones = shortage.stays};
    try {
      performance.perform();
    } catch (const std::exception&) {
      ::_exit(1);
    }
    static_cast<void>(::write(write_end.get(), &allocations.made, sizeof allocations.made));
    ::_exit(0);
  }
  write_end.reset();
  long made = 0;
  static_cast<void>(netlend::retry([&] { return ::read(read_end.get(), &made, sizeof made); }));
  check(netlend::retry([&] { return ::waitpid(child, nullptr, 0); }), "wait for", "the child");
  return made;
}

/// At so many places, from the first allocation to the last; in turn one is refused, or all from
/// there on.
void refuse_memory(Act act) {
  const long places = is_soak() ? 200 : 20;
  auto scene = std::make_unique<Scene>();
  long allocated = 0;
  {
    Performance performance(*scene, act, Devices::one);
    allocated = perform_short_of_memory(performance, {});
  }
  BOOST_REQUIRE(allocated > places);
  BOOST_TEST(scene->reap_once() == "");
  for (long place = 0; place < places; ++place) {
    const Shortage shortage{.at = 1 + place * (allocated - 1) / (places - 1),
                            .stays = place % 2 == 0};
    BOOST_TEST_CONTEXT(text_of(act, Devices::one)
                       << ", no memory " << (shortage.stays ? "from " : "for ") << "allocation "
                       << shortage.at << " of " << allocated << (shortage.stays ? " on" : "")) {
      Performance performance(*scene, act, Devices::one);
      static_cast<void>(perform_short_of_memory(performance, shortage));
      BOOST_TEST(scene->reap_once() == "");
      const auto difference = scene->difference();
      BOOST_TEST(difference == "");
      if (!difference.empty()) scene = std::make_unique<Scene>();
    }
  }
  tell_survived("memory refused at an allocation, or from there on", text_of(act, Devices::one),
                static_cast<int>(places));
}
}  // namespace

BOOST_AUTO_TEST_SUITE(without_memory)

BOOST_AUTO_TEST_CASE(of_lending_one_device) { refuse_memory(Act::lend); }
BOOST_AUTO_TEST_CASE(of_giving_one_device_back) { refuse_memory(Act::give_back); }
BOOST_AUTO_TEST_CASE(of_reaping_one_device) { refuse_memory(Act::reap); }

BOOST_AUTO_TEST_SUITE_END()
