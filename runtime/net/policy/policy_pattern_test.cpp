#include "net/policy/policy_pattern.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.hpp"

using netlend::check_allowed_prefix;
using netlend::check_container_pattern;
using netlend::check_device_pattern;
using netlend::check_name_pattern;
using netlend::IpPrefix;
using netlend::LinkState;
using netlend::matches_device;
using namespace std::string_literals;

namespace {
template <typename Check>
std::string refusal(Check check) {
  try {
    check();
  } catch (const netlend::Error& error) {
    BOOST_TEST((error.kind() == netlend::ErrorKind::usage));
    return error.what();
  }
  return "nothing was refused";
}

template <typename Check>
std::string refusal(Check check, const std::string& pattern) {
  return refusal([&] { check(pattern); });
}

LinkState device() {
  LinkState link;
  link.name = "lan0";
  link.altnames = {"the-port-on-the-left"};
  link.address = "\xe4\x00\x00\x00\x00\xaa"s;
  link.permanent_address = "\xe4\x00\x00\x00\x00\xbb"s;
  link.parent_bus = "pci";
  link.parent_device = "0000:0a:00.1";
  return link;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(policy_patterns)

BOOST_AUTO_TEST_CASE(a_name_that_no_device_can_have_is_refused) {
  for (const char* pattern :
       {"lan0", "lan*", "*", "?", "[a-z]?*", "[[]", "lan[0-9]", "a_15_byte_name_",
        "*a_15_byte_name_*", "caf\xc3\xa9", "l[o]x", "all?"}) {
    BOOST_TEST(refusal(check_name_pattern, pattern) == "nothing was refused", pattern);
  }
  for (const char* pattern : {"a_16_byte_name__", "?a_15_byte_name_", "a/b", "lan:0", "a b",
                              "100%*", "lan\x01", "\t*", "[/]x"}) {
    BOOST_TEST(refusal(check_name_pattern, pattern).starts_with("nothing can match '"), pattern);
  }
  for (const char* pattern : {".", "..", "all", "default", "lo"}) {
    BOOST_TEST(refusal(check_name_pattern, pattern) ==
               "no device that is lent is called '"s + pattern + "'");
  }
  BOOST_TEST(refusal(check_name_pattern, "lan[").starts_with("'lan[': no ']' closes the '['"));
  BOOST_TEST(refusal(check_name_pattern, "") ==
             "an empty pattern matches nothing; '*' would match all");
}

BOOST_AUTO_TEST_CASE(an_id_that_no_container_can_have_is_refused) {
  for (const std::string& pattern : {"db1"s, "db*"s, "*"s, "a+b"s, "?b"s, "[a-f0-9]*"s, "[^a]*"s,
                                     std::string(128, '?'), std::string(128, 'a') + "*"}) {
    BOOST_TEST(refusal(check_container_pattern, pattern) == "nothing was refused", pattern);
  }
  for (const std::string& pattern : {"db 1"s, "a/b"s, "a:b"s, ".a"s, ".*"s, "caf\xc3\xa9"s, "a,b"s,
                                     "db[/,]"s, std::string(129, '?')}) {
    BOOST_TEST(refusal(check_container_pattern, pattern).find("ids of containers have 1 to 128") !=
                   std::string::npos,
               pattern);
  }
}

BOOST_AUTO_TEST_CASE(a_device_that_cannot_be_is_refused) {
  for (const char* pattern :
       {"lan0", "*", "dev:lan0", "dev:*", "alt:a-very-long-alternative-name", "pci:0000:0A:00.*",
        "a-very-long-alternative-name", "0000:03:00.?", "10000:e1:00.0", "mac:02:00:*", "e4:*",
        "02:00:00:00:00:AA", "mac:*:aa", "driver:ixgbe*", "driver:*", "*:*", "192.0.2.7"}) {
    BOOST_TEST(refusal(check_device_pattern, pattern) == "nothing was refused", pattern);
  }
  for (const char* pattern :
       {"dev:a_16_byte_name__", "dev:", "alt:a/b", "pci:03:00.1", "pci:0000:03:00.8",
        "pci:0000:03:00.10", "mac:02:00:00:00:00:0g", "mac:02-00-00-00-00-01", "mac:02:00:00:00:00",
        "usb:1", "veth:", "0000:03:00.1*1", "a/b",
        "driver:", "driver:a_driver_name_of_33_bytes________", "lan[", "dev:lo", "lo", ""}) {
    BOOST_TEST(refusal(check_device_pattern, pattern) != "nothing was refused", pattern);
  }
  BOOST_TEST(refusal(check_device_pattern, "pci:03:00.1") ==
             "nothing can match 'pci:03:00.1': PCI addresses are like '0000:03:00.1'");
  BOOST_TEST(refusal(check_device_pattern, "usb:1").find("or begins with dev:, alt:, mac:") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_pattern_for_names_is_for_no_address_and_no_prefix) {
  for (const char* pattern : {"l*", "lan0", "the-*", "*", "mac:e4:*", "e4:*", "0000:*", "dev:l*",
                              "alt:*", "pci:*", "driver:i*"}) {
    BOOST_TEST(matches_device(pattern, device(), "igb"), pattern);
  }
  // What its "dev:lan0", "alt:...", "mac:e4:...", "pci:0000:..." and "driver:igb" begin with.
  for (const char* pattern : {"d*", "a*", "m*", "p*", "dr*", "e*", "0*", "e4*", "0000*", "?ev*",
                              "dev:the*", "alt:lan0", "dev:e4*", "pci:e4:*", "mac:0000:*", "i*"}) {
    BOOST_TEST(!matches_device(pattern, device(), "igb"), pattern);
  }
}

BOOST_AUTO_TEST_CASE(addresses_that_are_never_asked_for_are_refused) {
  for (const char* prefix : {"10.0.0.0/8", "0.0.0.0/0", "::/0", "192.0.2.7/32", "2001:db8::/32",
                             "224.0.0.0/3", "fe80::/10"}) {
    BOOST_TEST(refusal([&] { check_allowed_prefix(IpPrefix{prefix}); }) == "nothing was refused",
               prefix);
  }
  for (const char* prefix :
       {"127.0.0.0/8", "127.0.0.1/32", "224.0.0.0/4", "239.0.0.1/32", "0.0.0.0/32", "::1/128",
        "::/128", "ff02::/16", "::ffff:10.0.0.0/104"}) {
    BOOST_TEST(refusal([&] {
                 check_allowed_prefix(IpPrefix{prefix});
               }).starts_with("no device can be given an address of '"),
               prefix);
  }
  BOOST_TEST(refusal([&] { check_allowed_prefix(IpPrefix{"10.0.0.5/24"}); }) ==
             "'10.0.0.5/24' has host bits; the prefix is 10.0.0.0/24");
}

BOOST_AUTO_TEST_SUITE_END()
