#include "lifecycle/signal_container.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "base/error.hpp"

using netlend::parse_signal;

BOOST_AUTO_TEST_SUITE(signal_container)

BOOST_AUTO_TEST_CASE(a_signal_is_a_number_or_a_name) {
  BOOST_TEST(parse_signal("9") == SIGKILL);
  BOOST_TEST(parse_signal("KILL") == SIGKILL);
  BOOST_TEST(parse_signal("SIGKILL") == SIGKILL);
  BOOST_TEST(parse_signal("SIGUSR1") == SIGUSR1);
  BOOST_TEST(parse_signal("RTMIN+3") == SIGRTMIN + 3);
  BOOST_TEST(parse_signal("SIGRTMIN") == SIGRTMIN);
  BOOST_TEST(parse_signal("64") == 64);
  BOOST_TEST(parse_signal("0") == 0);
}

BOOST_AUTO_TEST_CASE(anything_else_is_a_sentence) {
  for (const auto* text : {"", "65", "-9", "9 ", "kill", "SIG", "RTMIN+99", "SIGNOPE"}) {
    BOOST_CHECK_THROW(parse_signal(text), netlend::Error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
