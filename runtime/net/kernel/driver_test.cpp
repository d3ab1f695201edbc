#include "net/kernel/driver.hpp"

#include <boost/test/unit_test.hpp>

#include "support/lab.hpp"

using netlend::driver_of;
using netlend::test::sh;

BOOST_AUTO_TEST_SUITE(drivers)

BOOST_AUTO_TEST_CASE(a_device_of_this_namespace_has_its_driver_and_others_have_none) {
  sh("ip link add drv0 type veth peer name drv1");
  BOOST_TEST(driver_of("drv0") == "veth");
  BOOST_TEST(driver_of("lo") == "");
  sh("ip link del drv0");
  BOOST_TEST(driver_of("drv0") == "");
  BOOST_TEST(driver_of("a-name-that-no-device-can-have") == "");
}

BOOST_AUTO_TEST_SUITE_END()
