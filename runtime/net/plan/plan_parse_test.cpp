#include "net/plan/plan_parse.hpp"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.hpp"
#include "support/lab.hpp"

using namespace std::string_literals;
using netlend::DeviceSelector;
using netlend::Error;
using netlend::IpPrefix;
using netlend::NicPlan;
using netlend::parse_annotations;
using netlend::parse_lend_words;
using netlend::parse_nic_spec;
using netlend::VethPair;

namespace {
template <typename Parse>
std::string error_of(Parse parse) {
  try {
    parse();
  } catch (const Error& error) {
    BOOST_TEST((error.kind() == netlend::ErrorKind::usage), error.what());
    return error.what();
  }
  return "accepted";
}

std::string error_of_spec(const std::string& spec) {
  return error_of([&] { (void)parse_nic_spec(spec); });
}

struct BadSpec {
  std::string spec;
  std::string message_part;
};

void check_refused(const std::vector<BadSpec>& table) {
  for (const auto& bad : table) {
    const std::string error = error_of_spec(bad.spec);
    BOOST_TEST(error.find(bad.message_part) != std::string::npos,
               "'" << bad.spec << "': expected '" << bad.message_part << "' in '" << error << "'");
  }
}
}  // namespace

BOOST_AUTO_TEST_SUITE(nic_specs)

BOOST_AUTO_TEST_CASE(a_name_and_a_source_are_enough) {
  const NicPlan nic = parse_nic_spec("eth0=lan0");
  BOOST_TEST(nic.inside.str() == "eth0");
  BOOST_TEST(
      (nic.source == decltype(nic.source){DeviceSelector{DeviceSelector::By::name, "lan0"}}));
  BOOST_TEST(nic.up);
  BOOST_TEST(nic.dad);
  BOOST_TEST(!nic.keep_addresses);
  BOOST_TEST((nic.addresses.empty() && nic.gateways.empty() && nic.routes.empty()));
}

BOOST_AUTO_TEST_CASE(every_word_says_its_part) {
  const NicPlan nic = parse_nic_spec(
      "eth0=lan0 addr=10.0.0.2/24 addr=2001:db8::2/64 gw=10.0.0.1 gw=fe80::1 "
      "route=10.9.0.0/16@10.0.0.9 route=192.0.2.7 mtu=1400 mac=02:00:00:00:00:0A up=yes dad=no "
      "keep=addresses as=wan0");
  BOOST_TEST(nic.inside.str() == "wan0");
  BOOST_TEST((nic.addresses == std::vector{IpPrefix{"10.0.0.2/24"}, IpPrefix{"2001:db8::2/64"}}));
  BOOST_REQUIRE(nic.gateways.size() == 2U);
  BOOST_TEST(nic.gateways[1].address.str() == "fe80::1");
  BOOST_REQUIRE(nic.routes.size() == 2U);
  BOOST_TEST(nic.routes[0].destination.str() == "10.9.0.0/16");
  BOOST_TEST(nic.routes[0].via->str() == "10.0.0.9");
  BOOST_TEST(nic.routes[1].destination.str() == "192.0.2.7/32");
  BOOST_TEST(!nic.routes[1].via.has_value());
  BOOST_TEST(nic.mtu_bytes.value() == 1400U);
  BOOST_TEST(nic.mac->str() == "02:00:00:00:00:0a");
  BOOST_TEST(!nic.dad);
  BOOST_TEST(nic.keep_addresses);
}

BOOST_AUTO_TEST_CASE(semicolons_and_blanks_split_alike) {
  BOOST_TEST((parse_nic_spec("eth0=lan0;addr=10.0.0.2/24;;up=no") ==
              parse_nic_spec(" eth0=lan0\taddr=10.0.0.2/24\n up=no ")));
}

BOOST_AUTO_TEST_CASE(onlink_belongs_to_the_gateway_before_it) {
  const NicPlan nic = parse_nic_spec(
      "eth0=lan0 addr=192.0.2.7/32 gw=198.51.100.1 onlink=yes addr=2001:db8::2/64 gw=2001:db8::1");
  BOOST_TEST(nic.gateways.at(0).onlink);
  BOOST_TEST(!nic.gateways.at(1).onlink);
}

BOOST_AUTO_TEST_CASE(a_name_that_only_an_altname_can_have_is_refused_with_the_way_to_write_one) {
  const std::string why =
      netlend::test::error_of([] { parse_nic_spec("eth0=the-port-on-the-left"); });
  BOOST_TEST(
      why.find("an alternative name is written 'alt:the-port-on-the-left'") != std::string::npos,
      why);
  const std::string long_name(200, 'a');
  const std::string no_name = netlend::test::error_of([&] { parse_nic_spec("eth0=" + long_name); });
  BOOST_TEST(no_name.find("alt:") == std::string::npos, no_name);
}

BOOST_AUTO_TEST_CASE(a_device_is_chosen_by_name_altname_mac_or_pci_address) {
  for (const char* source : {"lan0", "alt:lan-port-on-the-left", "mac:02:00:00:00:00:01",
                             "pci:0000:03:00.1", "veth:", "veth:host0"}) {
    BOOST_TEST(netlend::describe_source(parse_nic_spec("eth0="s + source)) == source);
  }
  BOOST_TEST(netlend::describe_source(parse_nic_spec("eth0=dev:lan0")) == "lan0");
  BOOST_TEST(netlend::describe_source(parse_nic_spec("eth0=mac:02:00:00:00:00:AA")) ==
             "mac:02:00:00:00:00:aa");
}

BOOST_AUTO_TEST_CASE(a_made_pair_has_a_host_end) {
  const NicPlan nic = parse_nic_spec(
      "eth0=veth:h0 bridge=br0 host-addr=10.0.0.1/24 host-addr=2001:db8::1/64 addr=10.0.0.2/24");
  const auto& pair = std::get<VethPair>(nic.source);
  BOOST_TEST(pair.host_name->str() == "h0");
  BOOST_TEST(pair.bridge->str() == "br0");
  BOOST_TEST(pair.host_addresses.size() == 2U);
  BOOST_TEST(!std::get<VethPair>(parse_nic_spec("eth0=veth:").source).host_name.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_spec_is_refused_and_says_how_one_looks) {
  check_refused({
      {"", "begin with INSIDE=SOURCE"},
      {" ; ", "begin with INSIDE=SOURCE"},
      {"eth0", "begin with INSIDE=SOURCE"},
      {"=lan0", "device name ''"},
      {"eth0=", "device name ''"},
      {"lo=lan0", "'lo' is there in every network namespace"},
      {"sixteen_bytes_16=lan0", "device name 'sixteen_bytes_16'"},
      {"eth0=sixteen_bytes_16", "device name 'sixteen_bytes_16'"},
      {"eth0=usb:1", "'usb:' is unknown; use NAME, dev:NAME"},
      {"eth0=mac:01:00:5e:00:00:01", "multicast"},
      {"eth0=pci:03:00.1", "like '0000:03:00.1'"},
      {"eth0=lan0\0 up=no"s, "device name 'lan0\\x00'"},
      {"eth0=lan0 " + std::string(4096, ' '), "use at most 4096"},
      {"eth0=lan0 addr", "known are as=, addr=, gw=, onlink=, route=, mtu="},
      {"eth0=lan0 vlan=7", "word 'vlan=7': unknown; known are"},
      {"eth0=lan0 name=x", "word 'name=x': unknown"},
      {"eth0=lan0 addr=10.0.0.2/24,10.0.0.3/24", "a SPEC has no commas and no quotes"},
      {",eth0=lan0", "',eth0=lan0': a SPEC has no commas"},
      {"eth0=lan0 addr=\"10.0.0.2/24\"", "a SPEC has no commas and no quotes"},
      {"eth0='lan0'", "a SPEC has no commas and no quotes"},
  });
}

BOOST_AUTO_TEST_CASE(an_unknown_word_is_told_those_of_its_source) {
  check_refused({
      {"eth0=lan0 vlan=7",
       "word 'vlan=7': unknown; known are as=, addr=, gw=, onlink=, route=, mtu=, mac=, up=, dad=, "
       "keep="},
      {"eth0=veth: vlan=7",
       "word 'vlan=7': unknown; known are as=, addr=, gw=, onlink=, route=, mtu=, mac=, up=, dad=, "
       "bridge=, host-addr="},
  });
}

BOOST_AUTO_TEST_CASE(a_single_word_is_refused_a_second_time) {
  for (const char* word :
       {"mtu=1500", "mac=02:00:00:00:00:01", "up=yes", "dad=yes", "keep=addresses", "as=x0"}) {
    const std::string spec = fmt::format("eth0=lan0 {} {}", word, word);
    BOOST_TEST(error_of_spec(spec).ends_with("= is there twice"), spec);
  }
  check_refused({{"eth0=veth: bridge=a bridge=b", "bridge= is there twice"},
                 {"eth0=lan0 gw=10.0.0.1 onlink=yes onlink=yes", "there twice for one gw="}});
}

BOOST_AUTO_TEST_CASE(values_are_checked) {
  check_refused({
      {"eth0=lan0 addr=10.0.0.2", "write the prefix length too"},
      {"eth0=lan0 addr=10.0.0.2/33", "'10.0.0.2/33': the prefix length is 0 to 32"},
      {"eth0=lan0 addr=2001:db8::2/x", "'2001:db8::2/x': the prefix length is 0 to 128"},
      {"eth0=lan0 addr=10.0.0.2/33", "10.0.0.2/33"},
      {"eth0=lan0 addr=2001:db8::2/129", "2001:db8::2/129"},
      {"eth0=lan0 addr=10.0.0.2/0", "prefix length of 0"},
      {"eth0=lan0 addr=", "is not an IPv4 or IPv6 address"},
      {"eth0=lan0 addr=127.0.0.1/8", "word 'addr=127.0.0.1/8': '127.0.0.1' is a loopback address"},
      {"eth0=lan0 addr=::1/128", "loopback"},
      {"eth0=lan0 addr=0.0.0.0/24", "unspecified"},
      {"eth0=lan0 addr=::/64", "unspecified"},
      {"eth0=lan0 addr=224.0.0.5/24", "multicast"},
      {"eth0=lan0 addr=ff02::5/64", "multicast"},
      {"eth0=lan0 addr=::ffff:10.0.0.2/120", "an IPv4 address written as IPv6"},
      {"eth0=lan0 gw=0.0.0.0", "unspecified"},
      {"eth0=lan0 gw=127.0.0.1", "loopback"},
      {"eth0=lan0 gw=ff02::1", "multicast"},
      {"eth0=lan0 gw=10.0.0.1/24", "is not an IPv4 or IPv6 address"},
      {"eth0=veth: host-addr=127.0.0.1/8", "loopback"},
      {"eth0=lan0 route=10.9.0.1/16", "did you mean '10.9.0.0/16'?"},
      {"eth0=lan0 route=2001:db8::1/32", "did you mean '2001:db8::/32'?"},
      {"eth0=lan0 route=0.0.0.0/0@10.0.0.1", "write gw=IP for it"},
      {"eth0=lan0 route=::/0", "write gw=IP for it"},
      {"eth0=lan0 route=127.0.0.0/8", "never leaves a machine"},
      {"eth0=lan0 route=::ffff:0:0/96", "never leaves a machine"},
      {"eth0=lan0 route=10.9.0.0/16@", "is not an IPv4 or IPv6 address"},
      {"eth0=lan0 mtu=67", "use 68 to 65535"},
      {"eth0=lan0 mtu=65536", "use 68 to 65535"},
      {"eth0=lan0 mtu=-1", "use 68 to 65535"},
      {"eth0=lan0 mtu=1e3", "use 68 to 65535"},
      {"eth0=lan0 mac=ff:ff:ff:ff:ff:ff", "multicast"},
      {"eth0=lan0 mac=00:00:00:00:00:00", "zero"},
      {"eth0=lan0 up=true", "word 'up=true': use yes or no"},
      {"eth0=lan0 dad=0", "use yes or no"},
      {"eth0=lan0 gw=10.0.0.1 onlink=1", "use yes or no"},
      {"eth0=lan0 keep=all", "use keep=addresses"},
      {"eth0=lan0 as=a/b", "device name 'a/b'"},
  });
}

BOOST_AUTO_TEST_CASE(parts_that_contradict_each_other_are_refused) {
  check_refused({
      {"eth0=lan0 addr=10.0.0.2/24 addr=10.0.0.2/24", "address '10.0.0.2' is there twice"},
      {"eth0=lan0 addr=10.0.0.2/24 addr=10.0.0.2/16", "address '10.0.0.2' is there twice"},
      {"eth0=veth: addr=10.0.0.2/24 host-addr=10.0.0.2/24", "address '10.0.0.2' is there twice"},
      {"eth0=lan0 addr=10.0.0.2/24 gw=10.0.0.2", "is the device's own address"},
      {"eth0=lan0 addr=10.0.0.2/24 route=10.9.0.0/16@10.0.0.2", "is the device's own address"},
      {"eth0=lan0 addr=10.0.0.2/24 gw=10.0.1.1", "or say onlink=yes"},
      {"eth0=lan0 gw=10.0.0.1", "or say onlink=yes"},
      {"eth0=lan0 addr=10.0.0.2/24 gw=2001:db8::1", "or say onlink=yes"},
      {"eth0=lan0 addr=10.0.0.2/24 gw=10.0.0.1 gw=10.0.0.9", "the second of its IP family"},
      {"eth0=lan0 onlink=yes gw=10.0.0.1", "belongs behind the gw="},
      {"eth0=lan0 addr=10.0.0.2/24 route=10.9.0.0/16@10.1.0.1", "give it such an address"},
      {"eth0=lan0 addr=10.0.0.2/24 route=2001:db8::/32@10.0.0.1", "of the other IP family"},
      {"eth0=lan0 route=10.9.0.0/16 route=10.9.0.0/16", "route '10.9.0.0/16' is there twice"},
      {"eth0=lan0 up=no addr=10.0.0.2/24 gw=10.0.0.1", "need the device to be up"},
      {"eth0=lan0 up=no route=10.9.0.0/16", "need the device to be up"},
      {"eth0=lan0 mtu=1279 addr=2001:db8::2/64", "IPv6 needs at least 1280"},
      {"eth0=lan0 mtu=1279 gw=fe80::1", "IPv6 needs at least 1280"},
      {"eth0=lan0 mtu=1279 route=2001:db8::/32", "IPv6 needs at least 1280"},
      {"eth0=lan0 bridge=br0", "only for a pair that is made"},
      {"eth0=lan0 host-addr=10.0.0.1/24", "only for a pair that is made"},
      {"eth0=veth:h0 keep=addresses", "has none at home"},
  });
}

BOOST_AUTO_TEST_CASE(a_gateway_is_fine_where_it_can_be_reached) {
  for (const char* spec : {
           "eth0=lan0 addr=10.0.0.2/24 gw=10.0.0.1",
           "eth0=lan0 gw=fe80::1",
           "eth0=lan0 gw=10.0.0.1 keep=addresses",
           "eth0=lan0 gw=10.0.0.1 onlink=yes",
           "eth0=lan0 mtu=1279 addr=10.0.0.2/24",
           "eth0=lan0 mtu=1280 addr=2001:db8::2/64 route=2001:db8:9::/48@fe80::1",
       }) {
    BOOST_TEST(error_of_spec(spec) == "accepted", spec);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lend_words)

BOOST_AUTO_TEST_CASE(a_device_keeps_its_name_unless_it_is_given_one) {
  BOOST_TEST(parse_lend_words("lan0", "").inside.str() == "lan0");
  BOOST_TEST(parse_lend_words("dev:lan0", "mtu=1400").inside.str() == "lan0");
  const NicPlan nic = parse_lend_words("pci:0000:03:00.1", "addr=10.0.0.2/24 name=eth0");
  BOOST_TEST(nic.inside.str() == "eth0");
  BOOST_TEST(nic.addresses.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_source_that_is_no_name_needs_one) {
  for (const char* source : {"alt:x", "mac:02:00:00:00:00:01", "pci:0000:03:00.1", "veth:h0"}) {
    BOOST_TEST(error_of([&] {
                 (void)parse_lend_words(source, "up=no");
               }).ends_with("says no name; write name=INSIDE"));
  }
}

BOOST_AUTO_TEST_CASE(a_second_name_word_and_as_are_refused) {
  BOOST_TEST(error_of([] { (void)parse_lend_words("lan0", "name=a name=b"); }) ==
             "word 'name=b': name= is there twice");
  BOOST_TEST(error_of([] {
               (void)parse_lend_words("lan0", "as=a");
             }).starts_with("word 'as=a': unknown; known are name=, addr="));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(annotations)

BOOST_AUTO_TEST_CASE(annotations_of_others_ask_for_nothing) {
  BOOST_TEST(!parse_annotations({}).has_value());
  BOOST_TEST(!parse_annotations({{"io.netlendish.nic.eth0", "lan0"}, {"org.x", "y"}}).has_value());
}

BOOST_AUTO_TEST_CASE(each_nic_annotation_is_a_device) {
  const auto plan = parse_annotations({{"io.netlend.nic.eth1", "lan1 addr=10.0.0.2/24 gw=10.0.0.1"},
                                       {"io.netlend.nic.eth0", "lan0"},
                                       {"io.netlend.nic.the/third", "lan2 as=eth2"}});
  BOOST_REQUIRE(plan.has_value());
  BOOST_REQUIRE(plan->nics.size() == 3U);
  BOOST_TEST((plan->nics[0] == parse_nic_spec("eth0=lan0")));
  BOOST_TEST((plan->nics[1] == parse_nic_spec("eth1=lan1 addr=10.0.0.2/24 gw=10.0.0.1")));
  BOOST_TEST((plan->nics[2] == parse_nic_spec("eth2=lan2")));
}

BOOST_AUTO_TEST_CASE(a_plan_annotation_is_the_text_of_a_plan_file) {
  const auto plan = parse_annotations(
      {{"io.netlend.plan", R"({"netlend":1,"nics":[{"inside":"eth0","source":"lan0"}]})"},
       {"io.netlend.nic.eth1", "lan1"}});
  BOOST_REQUIRE(plan.has_value());
  BOOST_REQUIRE(plan->nics.size() == 2U);
  BOOST_TEST(plan->nics[1].inside.str() == "eth0");
}

BOOST_AUTO_TEST_CASE(an_error_names_the_annotation) {
  const auto is = [](const std::string& key, const std::string& value, const std::string& message) {
    const auto error = error_of([&] { (void)parse_annotations({{key, value}}); });
    BOOST_TEST(error.starts_with("annotation '" + key + "': " + message), error);
  };
  is("io.netlend.nic.eth0", "", "it is empty");
  is("io.netlend.nic.eth0", "lan0 mtu=1", "mtu 1: use 68");
  is("io.netlend.nic.", "lan0", "device name ''");
  is("io.netlend.nics.eth0", "lan0", "unknown; known are io.netlend.nic.INSIDE");
  is("io.netlend.plan", "/etc/passwd",
     "'/etc/passwd' is no plan: it has to be the text of a plan file, not its path");
  is("io.netlend.plan", "", "'' is no plan");
  is("io.netlend.plan", "{", "parse error");
  is("io.netlend.plan", R"({"netlend":1,"nics":[7]})", "/nics/0: expected an object");
}

BOOST_AUTO_TEST_CASE(what_two_devices_cannot_share_is_refused) {
  const auto error_of_pair = [](const std::string& first, const std::string& second) {
    return error_of([&] {
      (void)parse_annotations({{"io.netlend.nic.a", first}, {"io.netlend.nic.b", second}});
    });
  };
  BOOST_TEST(error_of_pair("lan0", "lan1 as=a") == "two devices are to be 'a' inside");
  BOOST_TEST(error_of_pair("lan0", "dev:lan0") == "device 'lan0' is wanted twice");
  BOOST_TEST(error_of_pair("veth:h0", "veth:h0") == "device 'veth:h0' is wanted twice");
  BOOST_TEST(error_of_pair("veth:", "veth:") == "accepted");
  BOOST_TEST(error_of_pair("lan0 gw=10.0.0.1 onlink=yes", "lan1 gw=10.1.0.1 onlink=yes") ==
             "gateway '10.1.0.1' is the second of its IP family; a container has one");
  BOOST_TEST(error_of_pair("lan0 gw=10.0.0.1 onlink=yes", "lan1 gw=fe80::1") == "accepted");
}

BOOST_AUTO_TEST_CASE(addresses_to_lend_are_words_of_a_spec) {
  const auto plan = netlend::parse_l3_spec("192.0.2.10 via=lan0;2001:db8::1 mode=routed as=web0");
  BOOST_TEST(describe_addresses(plan) == "192.0.2.10 2001:db8::1");
  BOOST_TEST(plan.via.value().str() == "lan0");
  BOOST_TEST((plan.mode == netlend::AddressMode::routed));
  BOOST_TEST(plan.inside.str() == "web0");
  const auto shared = netlend::parse_l3_spec("192.0.2.10 ports=80 ports=8000-8010");
  BOOST_TEST(describe_addresses(shared) == "192.0.2.10 ports=80 ports=8000-8010");
  const auto usual = netlend::parse_l3_spec("192.0.2.10 broadcast=no loopback=own");
  BOOST_TEST((usual.mode == netlend::AddressMode::automatic));
  BOOST_TEST(usual.inside.str() == "eth0");
  BOOST_TEST((usual.loopback == netlend::Loopback::own));
  const auto trusted = netlend::parse_l3_spec("192.0.2.10 mode=kernel loopback=shared");
  BOOST_TEST((trusted.loopback == netlend::Loopback::shared));
}

BOOST_AUTO_TEST_CASE(loans_in_one_l3_namespace_need_no_names_and_have_one_loopback) {
  netlend::Plan plan;
  plan.addresses = {netlend::parse_l3_spec("192.0.2.10 mode=kernel"),
                    netlend::parse_l3_spec("192.0.2.11 mode=kernel")};
  netlend::check_plan(plan);
  plan.addresses[1].loopback = netlend::Loopback::shared;
  BOOST_TEST(error_of([&] { netlend::check_plan(plan); }) ==
             "a container has one loopback; write loopback=shared with each of its loans or none");
}

BOOST_AUTO_TEST_CASE(what_is_no_loan_of_addresses_is_refused_by_its_word) {
  const auto refusal = [](const std::string& spec) {
    return error_of([&] { (void)netlend::parse_l3_spec(spec); });
  };
  const auto is = [&](const std::string& spec, const std::string& why) {
    BOOST_TEST(refusal(spec).starts_with(why), spec << ": " << refusal(spec));
  };
  is("", "no address; write which to lend");
  is("via=lan0", "no address");
  is("lan0", "word 'lan0': not an IPv4 or IPv6 address, which alone are lent here");
  is("192.0.2.10 broadcast", "word 'broadcast': it wants a value, as in 'broadcast=yes'");
  is("192.0.2.10/24", "word '192.0.2.10/24': an address is lent, not a network");
  is("127.0.0.1", "word '127.0.0.1': '127.0.0.1' is a loopback address");
  is("fe80::1", "word 'fe80::1': 'fe80::1' is link-local");
  is("192.0.2.10 via=a via=b", "word 'via=b': via= is there twice");
  is("192.0.2.10 gw=192.0.2.1",
     "word 'gw=192.0.2.1': unknown; known are IP addresses, via=, mode=, as=, "
     "broadcast=, loopback=, ports=");
  is("192.0.2.10 mode=quick",
     "word 'mode=quick': 'quick' is unknown; the modes are auto, kernel, routed, netkit, ipvlan, "
     "macvlan");
  is("192.0.2.10 ports=http", "word 'ports=http': 'http' is no port and no range of ports");
  is("192.0.2.10 ports=0", "word 'ports=0': '0' is no port");
  is("192.0.2.10 ports=90-80", "word 'ports=90-80': '90-80' is no port");
  is("192.0.2.10 ports=65536", "word 'ports=65536': '65536' is no port");
  is("192.0.2.10 ports=80 ports=70-90", "port 70-90 is wanted twice");
  is("192.0.2.10 ports=80 mode=macvlan", "ports= goes with mode 'routed' alone");
  is("192.0.2.10 ports=80 broadcast=yes", "broadcast=yes goes with a whole address");
  is("192.0.2.10 broadcast=all", "word 'broadcast=all': use broadcast=yes or broadcast=no");
  is("192.0.2.10 loopback=ours", "word 'loopback=ours': use loopback=own or loopback=shared");
  is("192.0.2.10 loopback=shared mode=routed", "loopback=shared goes with mode 'kernel' alone");
  is("192.0.2.10 mode=kernel as=web0", "as= names a device, and in mode 'kernel'");
  is("192.0.2.10 as=lo", "'lo' is there in every");
}

BOOST_AUTO_TEST_CASE(annotations_ask_for_addresses_by_the_name_inside) {
  const auto plan = parse_annotations(
      {{"io.netlend.l3", "192.0.2.10"}, {"io.netlend.l3.web0", "2001:db8::1 via=lan0"}});
  BOOST_TEST(plan->addresses.size() == 2U);
  BOOST_TEST(plan->addresses[0].inside.str() == "eth0");
  BOOST_TEST(plan->addresses[1].inside.str() == "web0");
  const auto refusal = [](const std::map<std::string, std::string>& annotations) {
    return error_of([&] { (void)parse_annotations(annotations); });
  };
  BOOST_TEST(refusal({{"io.netlend.l3.a", "192.0.2.10"}, {"io.netlend.l3.b", "192.0.2.10"}}) ==
             "address '192.0.2.10' is wanted twice");
  BOOST_TEST(
      refusal({{"io.netlend.l3", "192.0.2.10"}, {"io.netlend.nic.eth0", "lan0"}}) ==
      "two devices are to be 'eth0' inside; name one by as=NAME, in a plan file by 'inside'");
  BOOST_TEST(refusal({{"io.netlend.l3", "192.0.2.10 loopback=shared"}}) ==
             "loopback=shared is for root's own command line, and not for annotations");
  BOOST_TEST(refusal({{"io.netlend.l3x", "192.0.2.10"}}).find("unknown") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_plan_has_bounded_sizes) {
  std::map<std::string, std::string> annotations;
  for (int i = 0; i < 65; ++i) annotations[fmt::format("io.netlend.nic.e{}", i)] = "veth:";
  BOOST_TEST(error_of([&] { (void)parse_annotations(annotations); }) ==
             "65 devices: a plan has at most 64");
  annotations.erase("io.netlend.nic.e64");
  std::string addresses = "veth:";
  for (int i = 0; i < 129; ++i) addresses += fmt::format(" addr=10.0.{}.1/24", i);
  annotations["io.netlend.nic.e0"] = addresses;
  BOOST_TEST(parse_annotations(annotations)->nics.size() == 64U);
  annotations["io.netlend.nic.e1"] = addresses;
  BOOST_TEST(error_of([&] { (void)parse_annotations(annotations); }) ==
             "258 addresses: a plan has at most 256");
}

BOOST_AUTO_TEST_SUITE_END()
