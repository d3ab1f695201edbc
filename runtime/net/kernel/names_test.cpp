#include "net/kernel/names.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace std::string_literals;
using netlend::AltName;
using netlend::Error;
using netlend::InterfaceName;
using netlend::IpAddress;
using netlend::IpPrefix;
using netlend::MacAddress;

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(a_device_name_is_what_the_kernel_takes_as_one) {
  BOOST_TEST(InterfaceName("enp3s0f1").str() == "enp3s0f1");
  BOOST_TEST(InterfaceName("a.b-c_d@\xc3\xa9").str() == "a.b-c_d@\xc3\xa9");
  BOOST_TEST(InterfaceName("exactly15bytes_").str().size() == 15U);
  for (const auto& bad : {""s, "."s, ".."s, "a/b"s, "a b"s, "a:b"s, "eth%d"s, "sixteen_bytes_16"s,
                          "all"s, "default"s, "a\nb"s, "a\0b"s, "\x7f"s}) {
    BOOST_CHECK_THROW(InterfaceName{bad}, Error);
  }
}

BOOST_AUTO_TEST_CASE(an_altname_may_be_longer) {
  BOOST_TEST(AltName(std::string(127, 'a')).str().size() == 127U);
  BOOST_CHECK_THROW(AltName{std::string(128, 'a')}, Error);
}

BOOST_AUTO_TEST_CASE(addresses_are_read_whole_and_printed_in_their_shortest_form) {
  BOOST_TEST(IpAddress("2001:DB8:0::1").str() == "2001:db8::1");
  for (const auto& bad : {""s, "1.2.3"s, "1.2.3.4 "s, "1.2.3.256"s, "::1%eth0"s, "1.2.3.4\0x"s,
                          "0x7f.1"s, "01.2.3.4"s}) {
    BOOST_CHECK_THROW(IpAddress{bad}, Error);
  }
}

BOOST_AUTO_TEST_CASE(an_address_knows_what_kind_it_is) {
  BOOST_TEST(IpAddress("127.8.9.1").is_loopback());
  BOOST_TEST(IpAddress("::1").is_loopback());
  BOOST_TEST(IpAddress("224.0.0.1").is_multicast());
  BOOST_TEST(IpAddress("ff02::1").is_multicast());
  BOOST_TEST(!IpAddress("240.0.0.1").is_multicast());
  BOOST_TEST(IpAddress("0.0.0.0").is_unspecified());
  BOOST_TEST(IpAddress("::").is_unspecified());
  BOOST_TEST(IpAddress("fe80::1").is_link_local());
  BOOST_TEST(!IpAddress("fec0::1").is_link_local());
}

BOOST_AUTO_TEST_CASE(a_prefix_needs_its_length) {
  BOOST_TEST(IpPrefix("10.0.0.2/24").str() == "10.0.0.2/24");
  BOOST_TEST(IpPrefix("::/0").length_bits() == 0);
  for (const char* bad :
       {"10.0.0.2", "10.0.0.2/", "10.0.0.2/33", "::1/129", "10.0.0.2/-1", "10.0.0.2/24/1", "/24"}) {
    BOOST_CHECK_THROW(IpPrefix{bad}, Error);
  }
}

BOOST_AUTO_TEST_CASE(a_prefix_contains_the_addresses_of_its_network) {
  const IpPrefix prefix{"10.0.0.2/23"};
  BOOST_TEST(prefix.contains(IpAddress("10.0.1.255")));
  BOOST_TEST(!prefix.contains(IpAddress("10.0.2.0")));
  BOOST_TEST(!prefix.contains(IpAddress("::1")));
  BOOST_TEST(prefix.network().str() == "10.0.0.0/23");
  BOOST_TEST(prefix.has_host_bits());
  BOOST_TEST(!IpPrefix("2001:db8::/33").has_host_bits());
}

BOOST_AUTO_TEST_CASE(a_mac_address_is_one_that_a_device_can_have) {
  BOOST_TEST(MacAddress("02:00:5E:00:00:01").str() == "02:00:5e:00:00:01");
  for (const char* bad : {"", "02:00:5e:00:00", "02-00-5e-00-00-01", "020:0:5e:00:00:01",
                          "01:00:5e:00:00:01", "00:00:00:00:00:00", "02:00:5e:00:00:0g"}) {
    BOOST_CHECK_THROW(MacAddress{bad}, Error);
  }
}

BOOST_AUTO_TEST_CASE(a_pci_address_is_written_in_full) {
  BOOST_TEST(netlend::parse_pci_address("0000:0A:00.1") == "0000:0a:00.1");
  for (const char* bad :
       {"0a:00.1", "0000:0a:00", "0000:0a:00.8", "0000:0a:0.1", "../../0000:0a:00.1"}) {
    BOOST_CHECK_THROW(netlend::parse_pci_address(bad), Error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
