#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace netlend::oci {

/// A document and how the Error begins that refuses it.
struct Bad {
  std::string text;
  std::string error;
};

template <typename Parse>
void check_refused(const std::vector<Bad>& table, Parse parse) {
  for (const auto& bad : table) {
    std::string error = "accepted";
    try {
      (void)parse(bad.text);
    } catch (const Error& refused) {
      error = refused.what();
    }
    BOOST_TEST(error.starts_with(bad.error), bad.text.substr(0, 120) << ": " << error);
  }
}

}  // namespace netlend::oci
