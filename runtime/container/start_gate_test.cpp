#include "container/start_gate.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <variant>

#include "base/error.hpp"
#include "base/syscall.hpp"

using netlend::UniqueFd;

namespace {
struct Folder {
  // Longer than a socket's path may be.
  const std::string path = "/run/" + std::string(128, 'x');
  Folder() {
    ::mkdir(path.c_str(), 0700);
    fd = UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  ~Folder() {
    ::unlinkat(fd.get(), netlend::kStartGate, 0);
    ::rmdir(path.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  UniqueFd fd;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(start_gate, Folder)

BOOST_AUTO_TEST_CASE(who_waits_there_hears_the_go_and_answers) {
  const auto gate = netlend::make_start_gate(fd.get());
  auto starter = netlend::enter_start_gate(fd.get());
  starter.say_go();
  auto waiting = netlend::wait_at_start_gate(gate);
  waiting.report({.exit_code = 127, .message = "not there"});
  const auto report = starter.receive();
  BOOST_TEST((std::get<netlend::StartFailure>(report) ==
              netlend::StartFailure{.exit_code = 127, .message = "not there"}));
}

BOOST_AUTO_TEST_CASE(a_starter_that_goes_without_a_word_is_an_error) {
  const auto gate = netlend::make_start_gate(fd.get());
  netlend::enter_start_gate(fd.get()).close();
  BOOST_CHECK_THROW(netlend::wait_at_start_gate(gate), netlend::Error);
}

BOOST_AUTO_TEST_CASE(nobody_is_started_where_nobody_waits) {
  BOOST_CHECK_THROW(netlend::enter_start_gate(fd.get()), netlend::Error);
  netlend::make_start_gate(fd.get()).reset();
  BOOST_CHECK_THROW(netlend::enter_start_gate(fd.get()), netlend::Error);
}

BOOST_AUTO_TEST_SUITE_END()
