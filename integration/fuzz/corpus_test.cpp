#include <fcntl.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/file.hpp"
#include "fuzz/targets.hpp"

namespace {
namespace test = boost::unit_test;

constexpr std::size_t kInputMaxBytes = std::size_t{1} << 20;

void add_cases(const netlend::fuzz::Target& target) {
  const std::string folder = std::string(NETLEND_FUZZ_CORPUS) + "/" + std::string(target.name);
  const auto fd = netlend::open_directory(AT_FDCWD, folder);
  auto* suite = BOOST_TEST_SUITE(std::string(target.name));
  for (const auto& name : netlend::list_names(fd.get())) {
    const auto run = [&target, folder, name] {
      const netlend::UniqueFd where = netlend::open_directory(AT_FDCWD, folder);
      target.run(netlend::read_file(where.get(), name, kInputMaxBytes));
    };
    suite->add(test::make_test_case(run, name, __FILE__, __LINE__));
  }
  test::framework::master_test_suite().add(suite);
}

// Boost.Test's own macros register cases in this way too: before main.
struct Registration {
  Registration() {
    for (const auto& target : netlend::fuzz::kTargets) add_cases(target);
  }
};
const Registration kRegistration;
}  // namespace
