#include <sys/mount.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "base/syscall.hpp"
#include "fault/scene.hpp"

using netlend::check;
using netlend::LendingContext;
using netlend::StateDirectory;
using netlend::test::Devices;
using netlend::test::error_of;
using netlend::test::plan_of;
using netlend::test::Scene;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::tell_survived;
using netlend::test::texts_of;

namespace {
constexpr const char* kFault = "a state folder that is full, without inodes or read-only";
constexpr const char* kFolder = "/run/small";
constexpr const char* kOptions = "mode=700,size=256k,nr_inodes=64";

/// A state folder on a file system of its own.
class SmallDisk : public Scene {
 public:
  SmallDisk() {
    check(::mkdir(kFolder, 0700), "make", kFolder);
    check(::mount("tmpfs", kFolder, "tmpfs", 0, kOptions), "mount", kFolder);
    small.emplace(kFolder);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  SmallDisk(SmallDisk&&) = delete;
  SmallDisk& operator=(SmallDisk&&) = delete;
  ~SmallDisk() {
    make_room();
    static_cast<void>(reap(on_small(), netlend::ReapScope::all));
    small.reset();
    sh(std::string("umount -l ") + kFolder + "/pins " + kFolder +
       "/staging 2>/dev/null; umount -l " + kFolder + "; rmdir " + kFolder);
  }

  LendingContext on_small() { return {.state = *small, .on_step = {}}; }
  void fill_blocks() { sh("cat /dev/zero >/run/small/fill 2>/dev/null; true"); }
  void fill_inodes() {
    sh("i=0; while true >/run/small/fill$i; do i=$((i + 1)); done 2>/dev/null; true");
  }
  void make_read_only() { sh("mount -o remount,ro /run/small"); }
  void make_room() { sh("mount -o remount,rw /run/small; rm -f /run/small/fill*"); }

  /// Refused with a sentence that names device and reason, before the device is touched.
  void check_lend_is_refused(const std::string& why) {
    std::string steps;
    auto watched = on_small();
    watched.on_step = [&](std::string_view step) { steps += std::string(step) + "\n"; };
    const auto said = error_of([&] { lend(watched, plan_of(Devices::one), borrower()); });
    BOOST_TEST(said.starts_with("lend 'eth0' to 'db1': "), said);
    BOOST_TEST(said.find(why) != std::string::npos, said);
    BOOST_TEST(steps.find("move") == std::string::npos, steps);
    BOOST_TEST(steps.find("mark") == std::string::npos, steps);
    BOOST_TEST(difference() == "");
    tell_survived(kFault, "lend", 1);
  }

  /// Home as it was without the disk, be the borrower alive or dead; and no trace when there is
  /// one.
  template <typename Spoil>
  void check_comes_home(Spoil spoil) {
    for (const bool borrower_lives : {true, false}) {
      BOOST_TEST_CONTEXT((borrower_lives ? "alive" : "dead")) {
        Sleeper mortal;
        const auto ledger = lend(on_small(), plan_of(Devices::one), borrower_of(mortal));
        if (!borrower_lives) mortal.kill();
        spoil();
        static_cast<void>(give_back(on_small(), ledger));
        BOOST_TEST(difference() == "");
        make_room();
        BOOST_TEST(texts_of(reap(on_small(), netlend::ReapScope::dead)) == "");
        BOOST_TEST(difference() == "");
        BOOST_TEST(sh("find /run/small ! -type d") == "");
        // What was mounted meanwhile is no hindrance.
        Sleeper another;
        const auto next = lend(on_small(), plan_of(Devices::one), borrower_of(another));
        BOOST_TEST(texts_of(give_back(on_small(), next)) == "");
        BOOST_TEST(difference() == "");
      }
    }
    tell_survived(kFault, "give back", 2);
  }

  std::optional<StateDirectory> small;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(state_folder, SmallDisk)

BOOST_AUTO_TEST_CASE(that_is_full_refuses_a_loan) {
  fill_blocks();
  check_lend_is_refused("No space left on device");
}

BOOST_AUTO_TEST_CASE(without_inodes_refuses_a_loan) {
  fill_inodes();
  check_lend_is_refused("No space left on device");
}

BOOST_AUTO_TEST_CASE(that_is_read_only_refuses_a_loan) {
  make_read_only();
  check_lend_is_refused("Read-only file system");
}

BOOST_AUTO_TEST_CASE(that_became_full_lets_a_device_home) {
  check_comes_home([&] { fill_blocks(); });
}

BOOST_AUTO_TEST_CASE(without_inodes_lets_a_device_home) {
  check_comes_home([&] { fill_inodes(); });
}

BOOST_AUTO_TEST_CASE(that_became_read_only_lets_a_device_home) {
  check_comes_home([&] { make_read_only(); });
}

BOOST_AUTO_TEST_SUITE_END()
