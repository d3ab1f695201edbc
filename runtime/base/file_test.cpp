#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/error.hpp"
#include "base/syscall.hpp"

namespace {
struct Folder {
  std::filesystem::path path{"/run/file-test-" + netlend::random_hex(4)};
  netlend::UniqueFd fd;
  Folder() {
    std::filesystem::create_directory(path);
    fd = netlend::open_directory(AT_FDCWD, path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(file, Folder)

BOOST_AUTO_TEST_CASE(a_replaced_file_has_the_new_content_and_nothing_lies_beside_it) {
  netlend::replace_file(fd.get(), "ledger", "one");
  netlend::replace_file(fd.get(), "ledger", "two");
  BOOST_TEST(netlend::read_file(fd.get(), "ledger", 100) == "two");
  BOOST_TEST(netlend::list_names(fd.get()) == std::vector<std::string>{"ledger"},
             boost::test_tools::per_element());
  struct stat status {};
  BOOST_TEST(::stat((path / "ledger").c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777U) == 0600U);
}

BOOST_AUTO_TEST_CASE(a_replaced_file_has_the_mode_asked_for_whatever_the_umask) {
  const mode_t before = ::umask(0077);
  netlend::replace_file(fd.get(), "rules", "one", 0644);
  ::umask(before);
  struct stat status {};
  BOOST_TEST(::stat((path / "rules").c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777U) == 0644U);
}

BOOST_AUTO_TEST_CASE(a_symlink_planted_under_the_temporary_name_is_not_followed) {
  std::filesystem::create_symlink(path / "victim", path / ".ledger.new");
  BOOST_CHECK_THROW(netlend::replace_file(fd.get(), "ledger", "x"), netlend::Error);
  BOOST_TEST(!std::filesystem::exists(path / "victim"));
}

BOOST_AUTO_TEST_CASE(of_two_creators_one_wins_and_its_content_stays) {
  BOOST_TEST(netlend::create_file_exclusive(fd.get(), "lease", "first"));
  BOOST_TEST(!netlend::create_file_exclusive(fd.get(), "lease", "second"));
  BOOST_TEST(netlend::read_file(fd.get(), "lease", 100) == "first");
}

BOOST_AUTO_TEST_CASE(a_file_over_the_limit_is_an_error_not_a_part_of_it) {
  netlend::replace_file(fd.get(), "big", std::string(101, 'x'));
  BOOST_CHECK_THROW(netlend::read_file(fd.get(), "big", 100), netlend::Error);
}

BOOST_AUTO_TEST_CASE(an_absent_file_is_nothing_to_one_reader_and_an_error_to_the_other) {
  BOOST_TEST(!netlend::read_file_if_exists(fd.get(), "none", 100).has_value());
  BOOST_CHECK_THROW(netlend::read_file(fd.get(), "none", 100), netlend::Error);
  netlend::remove_file(fd.get(), "none");
}

BOOST_AUTO_TEST_SUITE_END()
