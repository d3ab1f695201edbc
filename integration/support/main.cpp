#include <boost/test/unit_test.hpp>
#include <iostream>

#include "base/error.hpp"
#include "support/own_namespaces.hpp"

int main(int argc, char* argv[]) {
  try {
    netlend::test::enter_own_namespaces();
  } catch (const netlend::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
