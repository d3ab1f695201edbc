#include "container/device_rules.hpp"

#include <boost/test/unit_test.hpp>

#include "support/lab.hpp"

using netlend::device_writes;
using netlend::DeviceWrite;
using netlend::oci::DeviceRule;
using netlend::oci::DeviceRuleType;
using netlend::oci::kDeviceMknod;
using netlend::oci::kDeviceRead;
using netlend::oci::kDeviceWrite;

namespace {
DeviceRule character(bool allow, std::optional<std::uint32_t> major,
                     std::optional<std::uint32_t> minor,
                     unsigned access = netlend::oci::kDeviceAccessAll) {
  return {.allow = allow,
          .type = DeviceRuleType::character,
          .major = major,
          .minor = minor,
          .access = access};
}

void check_writes(const std::vector<DeviceRule>& rules, const std::vector<DeviceWrite>& expected) {
  BOOST_TEST((device_writes(rules) == expected));
}
}  // namespace

BOOST_AUTO_TEST_SUITE(device_rules)

BOOST_AUTO_TEST_CASE(without_rules_a_container_has_the_devices_that_every_container_has) {
  check_writes(netlend::container_device_rules({}), {{"devices.deny", "a"},
                                                     {"devices.allow", "c *:* m"},
                                                     {"devices.allow", "b *:* m"},
                                                     {"devices.allow", "c 1:3 rwm"},
                                                     {"devices.allow", "c 1:5 rwm"},
                                                     {"devices.allow", "c 1:7 rwm"},
                                                     {"devices.allow", "c 1:8 rwm"},
                                                     {"devices.allow", "c 1:9 rwm"},
                                                     {"devices.allow", "c 5:0 rwm"},
                                                     {"devices.allow", "c 5:2 rwm"},
                                                     {"devices.allow", "c 136:* rwm"}});
}

BOOST_AUTO_TEST_CASE(a_rule_about_everything_forgets_what_was_before) {
  check_writes({character(true, 1, 3), {.allow = true}}, {{"devices.allow", "a"}});
  check_writes({{.allow = true}, character(false, 1, 3), {.allow = false}},
               {{"devices.deny", "a"}});
}

BOOST_AUTO_TEST_CASE(a_later_rule_takes_back_what_an_earlier_one_gave) {
  check_writes({character(true, 1, 3), character(true, 1, 5), character(false, 1, 3)},
               {{"devices.deny", "a"}, {"devices.allow", "c 1:5 rwm"}});
  check_writes({character(true, 1, 3), character(false, {}, {}, kDeviceWrite)},
               {{"devices.deny", "a"}, {"devices.allow", "c 1:3 rm"}});
  check_writes({{.allow = true}, character(false, 1, 3), character(true, 1, 3, kDeviceRead)},
               {{"devices.allow", "a"}, {"devices.deny", "c 1:3 wm"}});
}

BOOST_AUTO_TEST_CASE(rules_for_the_same_devices_are_one) {
  check_writes({character(true, 1, {}, kDeviceRead), character(true, 1, {}, kDeviceMknod)},
               {{"devices.deny", "a"}, {"devices.allow", "c 1:* rm"}});
}

BOOST_AUTO_TEST_CASE(a_part_of_everything_is_said_for_both_types) {
  check_writes({{.allow = true, .access = kDeviceRead}},
               {{"devices.deny", "a"}, {"devices.allow", "c *:* r"}, {"devices.allow", "b *:* r"}});
  check_writes(
      {{.allow = true, .major = 8}},
      {{"devices.deny", "a"}, {"devices.allow", "c 8:* rwm"}, {"devices.allow", "b 8:* rwm"}});
}

BOOST_AUTO_TEST_CASE(what_version_1_can_not_say_is_an_error) {
  BOOST_TEST(netlend::test::error_of([] {
               device_writes({character(true, 1, {}), character(false, 1, 3, kDeviceWrite)});
             }) ==
             "/linux/resources/devices: cgroup version 1 can't deny 'c 1:3 w' after it is to allow "
             "'c 1:* rwm'");
  // Nothing in common: a different type, device, or kind of access.
  check_writes({character(true, 1, {}, kDeviceRead),
                {.allow = false, .type = DeviceRuleType::block, .major = 1},
                character(false, 2, 3),
                character(false, 1, 3, kDeviceWrite)},
               {{"devices.deny", "a"}, {"devices.allow", "c 1:* r"}});
}

BOOST_AUTO_TEST_SUITE_END()
