#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/schema_fixture.hpp"

using netlend::Error;
using netlend::parse_nic_spec;
using netlend::parse_plan_file;
using netlend::Plan;
using netlend::test::Schema;
using nlohmann::json;

namespace {
std::string error_of(const std::string& text) {
  try {
    (void)parse_plan_file(text);
  } catch (const Error& error) {
    BOOST_TEST((error.kind() == netlend::ErrorKind::usage), error.what());
    return error.what();
  }
  return "accepted";
}

std::string with_nics(const std::string& nics) {
  return fmt::format(R"({{"netlend":1,"nics":[{}]}})", nics);
}

std::string with_member(const std::string& member) {
  return with_nics(fmt::format(R"({{"inside":"eth0","source":"lan0",{}}})", member));
}

struct BadFile {
  std::string text;
  std::string error;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(plan_files)

BOOST_AUTO_TEST_CASE(what_is_good_is_good_for_the_schema_too) {
  const Schema schema{NETLEND_PLAN_SCHEMA};
  for (const auto& text : {
           with_nics(R"({"inside":"eth0","source":"lan0"})"),
           std::string(R"({"netlend":1,"l3":[{"addresses":["192.0.2.1","2001:db8::1"]}]})"),
           std::string(
               R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"],"ports":["80","8000-8010"]}]})"),
           std::string(R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"],"loopback":"shared"}]})"),
           std::string(R"({"netlend":1,"nics":[{"inside":"eth1","source":"lan0"}],
                           "l3":[{"inside":"eth0","addresses":["192.0.2.1"],"via":"lan1",
                                  "mode":"routed"}]})"),
           with_nics(R"({"inside":"a,b","source":"dev:lan\"0"})"),
           with_nics(R"({"inside":"eth0","source":"alt:the-port-on-the-left"})"),
           with_nics(R"({"inside":"eth0","source":"mac:02:00:00:00:00:aF"})"),
           with_nics(R"({"inside":"eth0","source":"pci:0000:0A:00.7"})"),
           with_nics(R"({"inside":"eth0","source":"veth:"},{"inside":"eth1","source":"veth:h0"})"),
           with_nics(R"({"inside":"eth0","source":"veth:h0","bridge":"br0",
                         "host_addresses":["10.0.0.1/24"],"keep_addresses":false})"),
           with_member(R"("addresses":["10.0.0.2/24","2001:db8::2/64","fe80::7/10"],
                          "gateways":[{"address":"10.0.0.1"},{"address":"fe80::1","onlink":false}],
                          "routes":[{"destination":"192.0.2.7"},
                                    {"destination":"10.9.0.0/16","via":"10.0.0.9"}],
                          "mtu":65535,"mac":"02:00:00:00:00:01","up":true,"dad":false,
                          "keep_addresses":true)"),
       }) {
    BOOST_TEST(error_of(text) == "accepted", text);
    BOOST_TEST(schema.accepts(json::parse(text)), text);
  }
}

BOOST_AUTO_TEST_CASE(what_has_a_bad_shape_is_refused_at_its_place_and_by_the_schema) {
  const Schema schema{NETLEND_PLAN_SCHEMA};
  const std::vector<BadFile> table{
      {"[]", "top level: expected an object, not array"},
      {"{}", "/netlend: is missing"},
      {R"({"nics":[]})", "/netlend: is missing"},
      {R"({"netlend":1})",
       "top level: lends nothing; list devices in 'nics', or addresses in 'l3'"},
      {R"({"netlend":2,"nics":[]})", "/netlend: this netlend reads version 1 of plan files"},
      {R"({"netlend":"1","nics":[]})", "/netlend: expected a whole number, not string"},
      {R"({"netlend":1,"nics":{}})", "/nics: expected an array, not object"},
      {R"({"netlend":1,"nics":[],"l3":[]})", "/nics: lends nothing"},
      {R"({"netlend":1,"l3":[]})", "/l3: lends nothing; name at least one address"},
      {R"({"netlend":1,"l2":[]})", "/l2: unknown; known are 'netlend', 'nics', 'l3'"},
      {R"({"netlend":1,"l3":[{}]})", "/l3/0/addresses: is missing"},
      {R"({"netlend":1,"l3":[{"addresses":[]}]})", "/l3/0: no address"},
      {R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"],"ports":[]}]})",
       "/l3/0/ports: name at least one port"},
      {R"({"netlend":1,"l3":[{"addresses":["192.0.2.1/24"]}]})",
       "/l3/0/addresses/0: an address is lent, not a network"},
      {R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"],"mode":"quick"}]})",
       "/l3/0/mode: 'quick' is unknown; the modes are auto, kernel,"},
      {R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"],"inside":"lo"}]})", "/l3/0: 'lo'"},
      {with_nics(""), "/nics: lends nothing"},
      {with_nics("null"), "/nics/0: expected an object, not null"},
      {with_nics(R"({"source":"lan0"})"), "/nics/0/inside: is missing"},
      {with_nics(R"({"inside":"eth0"})"), "/nics/0/source: is missing"},
      {with_nics(R"({"inside":"lo","source":"lan0"})"), "/nics/0: 'lo' is there in every"},
      {with_nics(R"({"inside":"","source":"lan0"})"), "/nics/0/inside: device name ''"},
      {with_nics(R"({"inside":"a b","source":"lan0"})"), "/nics/0/inside: device name 'a b'"},
      {with_nics(R"({"inside":"..","source":"lan0"})"), "/nics/0/inside: device name '..'"},
      {with_nics(R"({"inside":"eth\u0000","source":"lan0"})"), "/nics/0/inside: a NUL"},
      {with_nics(R"({"inside":"eth0","source":"usb:1"})"), "/nics/0/source: source 'usb:1'"},
      {with_nics(R"({"inside":"eth0","source":"sixteen_bytes_16"})"),
       "/nics/0/source: device name"},
      {with_nics(R"({"inside":"eth0","source":"dev:all"})"), "/nics/0/source: device name 'all'"},
      {with_nics(R"({"inside":"eth0","source":"mac:01:00:5e:00:00:01"})"), "/nics/0/source: "},
      {with_nics(R"({"inside":"eth0","source":"pci:03:00.1"})"), "/nics/0/source: "},
      {with_nics(R"({"inside":"eth0","source":["lan0"]})"), "/nics/0/source: expected a string"},
      {with_nics(R"({"inside":"eth0","source":"veth:","keep_addresses":true})"),
       "/nics/0: keep=addresses: a pair"},
      {with_member(R"("addr":["10.0.0.2/24"])"), "/nics/0/addr: unknown; known are 'inside'"},
      {with_member(R"("addresses":"10.0.0.2/24")"), "/nics/0/addresses: expected an array"},
      {with_member(R"("addresses":["10.0.0.2"])"), "/nics/0/addresses/0: '10.0.0.2': write the"},
      {with_member(R"("addresses":["10.0.0.2/33"])"), "/nics/0/addresses/0: "},
      {with_member(R"("addresses":["10.0.0.256/24"])"), "/nics/0/addresses/0: "},
      {with_member(R"("addresses":["10.0.0.2/24","10.0.0.2/24"])"), "/nics/0: address '10.0.0.2'"},
      {with_member(R"("addresses":["2001:db8::/0"])"), "/nics/0/addresses/0: "},
      {with_member(R"("addresses":null)"), "/nics/0/addresses: expected an array, not null"},
      {with_member(R"("gateways":["10.0.0.1"])"), "/nics/0/gateways/0: expected an object"},
      {with_member(R"("gateways":[{"onlink":true}])"), "/nics/0/gateways/0/address: is missing"},
      {with_member(R"("gateways":[{"address":"10.0.0.1","onlink":"yes"}])"),
       "/nics/0/gateways/0/onlink: expected true or false, not string"},
      {with_member(R"("gateways":[{"address":"10.0.0.1/24"}])"), "/nics/0/gateways/0/address: "},
      {with_member(R"("gateways":[{"address":"10.0.0.1","dev":"x"}])"),
       "/nics/0/gateways/0/dev: unknown"},
      {with_member(R"("routes":[{"via":"10.0.0.1"}])"), "/nics/0/routes/0/destination: is missing"},
      {with_member(R"("routes":[{"destination":"10.0.0.0/0"}])"), "/nics/0/routes/0/destination: "},
      {with_member(R"("routes":[{"destination":"10.9.0.0/16","metric":1}])"),
       "/nics/0/routes/0/metric: unknown"},
      {with_member(R"("mtu":67)"), "/nics/0/mtu: 67 is not within 68 and 65535"},
      {with_member(R"("mtu":1500.5)"), "/nics/0/mtu: expected a whole number, not 1500.5"},
      {with_member(R"("mtu":"1500")"), "/nics/0/mtu: expected a whole number, not string"},
      {with_member(R"("mac":"00:00:00:00:00:00")"), "/nics/0/mac: "},
      {with_member(R"("mac":7)"), "/nics/0/mac: expected a string, not number"},
      {with_member(R"("up":"no")"), "/nics/0/up: expected true or false"},
      {with_member(R"("dad":0)"), "/nics/0/dad: expected true or false"},
      {with_member(R"("keep_addresses":"addresses")"), "/nics/0/keep_addresses: expected true"},
      {with_member(R"("bridge":"br0")"), "/nics/0/bridge: only for a source 'veth:'"},
      {with_member(R"("host_addresses":["10.0.0.1/24"])"), "/nics/0/host_addresses: only for"},
  };
  for (const auto& bad : table) {
    BOOST_TEST(error_of(bad.text).starts_with(bad.error), bad.text << ": " << error_of(bad.text));
    BOOST_TEST(!schema.accepts(json::parse(bad.text)), bad.text);
  }
}

// A schema sees one value at a time: what these say is well formed.
BOOST_AUTO_TEST_CASE(what_has_a_bad_meaning_is_refused_at_its_place) {
  const std::vector<BadFile> table{
      {with_nics(R"({"inside":"eth0","source":"lan0"},{"inside":"eth0","source":"lan1"})"),
       "/nics: two devices are to be 'eth0' inside"},
      {R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"]},{"addresses":["192.0.2.1"]}]})",
       "/l3: address '192.0.2.1' is wanted twice"},
      {R"({"netlend":1,"l3":[{"addresses":["192.0.2.1"]},{"addresses":["192.0.2.2"]}]})",
       "/l3: two devices are to be 'eth0' inside; name one by as=NAME, in a plan file by 'inside'"},
      {with_member(R"("addresses":["127.0.0.1/8"])"), "/nics/0/addresses/0: '127.0.0.1' is a loop"},
      {with_member(R"("gateways":[{"address":"10.0.0.1"}])"), "/nics/0: gateway '10.0.0.1': no"},
      {with_member(R"("routes":[{"destination":"10.9.0.1/16"}])"),
       "/nics/0/routes/0/destination: '10.9.0.1/16' has host bits"},
      {with_member(R"("mtu":68,"addresses":["2001:db8::2/64"])"), "/nics/0: mtu 68: IPv6 needs"},
  };
  for (const auto& bad : table) {
    BOOST_TEST(error_of(bad.text).starts_with(bad.error), bad.text << ": " << error_of(bad.text));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_json_is_refused) {
  BOOST_TEST(error_of("").starts_with("parse error"));
  BOOST_TEST(error_of(R"({"netlend":1,"nics":[],"nics":[]})") == "/nics: is there twice");
  BOOST_TEST(error_of(std::string(200000, '[')).find("nested more than") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_plan_survives_being_written_and_read) {
  const Schema schema{NETLEND_PLAN_SCHEMA};
  for (const char* spec : {
           "eth0=lan0",
           // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one long SPEC.
           "eth0=alt:x addr=10.0.0.2/24 addr=2001:db8::2/64 gw=10.0.0.1 gw=2001:db9::1 onlink=yes "
           "route=10.9.0.0/16@10.0.0.9 route=192.0.2.7 mtu=1400 mac=02:00:00:00:00:01 dad=no "
           "keep=addresses",
           "eth0=mac:02:00:00:00:00:01 up=no",
           "eth0=pci:0000:03:00.1 up=no",
           "eth0=veth: addr=10.0.0.2/24",
           "eth0=veth:h0 bridge=br0 host-addr=10.0.0.1/24 host-addr=2001:db8::1/64",
       }) {
    const Plan plan{.nics = {parse_nic_spec(spec), parse_nic_spec("other0=other0")}};
    const std::string text = netlend::format_plan_file(plan);
    BOOST_TEST((parse_plan_file(text) == plan), text);
    BOOST_TEST(schema.accepts(json::parse(text)), text);
  }
}

BOOST_AUTO_TEST_CASE(what_goes_without_saying_is_not_written) {
  const Plan plan{.nics = {parse_nic_spec("eth0=lan0 up=yes dad=yes")}};
  BOOST_TEST(json::parse(netlend::format_plan_file(plan)) ==
             json::parse(R"({"netlend":1,"nics":[{"inside":"eth0","source":"lan0"}]})"));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_no_utf8_cannot_be_written) {
  const Plan plan{.nics = {parse_nic_spec("eth\xff=lan0")}};
  BOOST_CHECK_THROW(netlend::format_plan_file(plan), Error);
}

BOOST_AUTO_TEST_SUITE_END()
