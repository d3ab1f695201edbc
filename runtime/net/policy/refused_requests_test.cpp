#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/checks.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/policy/policy.hpp"

namespace netlend {

namespace {
/// A container and what its annotation asks for.
struct Request {
  std::string spec = "lan0";
  std::string id = "db1";
  std::string cgroup = "/lan.slice/db1.scope";
  std::string bundle = "/srv/db1";
  std::string inside = "eth1";
};

/// A rule, a request that it allows, so that it is known for one that works, and its look-alike.
struct Pair {
  std::string rule;
  Request allowed;
  Request refused;
};

LinkState device_called(const std::string& name, const std::string& altname, char last_of_mac) {
  LinkState link;
  link.name = name;
  link.altnames = {altname};
  link.address = std::string("\x02\0\0\0\0", 5) + last_of_mac;
  link.permanent_address = link.address;
  link.parent_bus = "pci";
  link.parent_device = std::string("0000:03:00.") + static_cast<char>('0' + last_of_mac);
  return link;
}

/// Why it is refused; empty: it is allowed. lan0 and wan0 are there, as at home.
std::string refusal(const std::string& rule, const Request& request) {
  static const std::vector<LinkState> kHere{device_called("lan0", "lan0-port", 1),
                                            device_called("wan0", "uplink", 2)};
  const Policy policy{parse_configuration(R"({"netlend":1,"allow":[{)" + rule + "}]}").rules};
  try {
    const auto plan = parse_annotations({{"io.netlend.nic." + request.inside, request.spec}});
    const auto& nic = plan.value().nics.at(0);
    const LinkState* device = nullptr;
    if (const auto* selector = std::get_if<DeviceSelector>(&nic.source)) {
      for (const auto& link : kHere) {
        if (is_meant(link, *selector)) device = &link;
      }
      if (device == nullptr) return "there is no such device";
    }
    policy.check({.id = ContainerId{request.id},
                  .cgroup = own_cgroup("0::" + request.cgroup + "\n"),
                  .bundle = request.bundle},
                 {{nic, device, device == nullptr ? "" : "e1000e"}});
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

void check_pairs(const std::vector<Pair>& pairs) {
  for (const auto& [rule, allowed, refused] : pairs) {
    BOOST_TEST_INFO(rule << ", refused: " << refused.spec << " for '" << refused.id << "'");
    BOOST_TEST(refusal(rule, allowed) == "");
    BOOST_TEST_INFO(rule << ", refused: " << refused.spec << " for '" << refused.id << "'");
    BOOST_TEST(refusal(rule, refused) != "");
  }
}
}  // namespace

BOOST_AUTO_TEST_SUITE(refused_requests)

BOOST_AUTO_TEST_CASE(look_alikes_of_a_device_are_others) {
  check_pairs({
      {R"("device":"lan0")", {}, {.spec = "wan0"}},
      {R"("device":"lan0")", {.spec = "dev:lan0"}, {.spec = "alt:uplink"}},
      {R"("device":"lan0")", {.spec = "alt:lan0-port"}, {.spec = "mac:02:00:00:00:00:02"}},
      {R"("device":"lan0")", {.spec = "pci:0000:03:00.1"}, {.spec = "pci:0000:03:00.2"}},
      {R"("device":"lan0")", {.spec = "mac:02:00:00:00:00:01"}, {.spec = "Lan0"}},
      {R"("device":"lan0")", {}, {.spec = "lan0%d"}},
      {R"("device":"lan0")", {}, {.spec = "lan00"}},
      {R"("device":"lan0")", {}, {.spec = "lan0\xc2\xa0"}},
      {R"("device":"lan0")", {}, {.spec = "lan\xef\xbc\x90"}},
      {R"("device":"lan0")", {}, {.spec = "veth:lan0"}},
      {R"("device":"lan[!1]")", {}, {.spec = "lan[0]"}},
      {R"("device":"*0","inside":"eth1")", {}, {.spec = "wan0", .inside = "eth10"}},
      {R"("device":"dev:lan*")", {}, {.spec = "wan0"}},
      {R"("device":"alt:lan*")", {}, {.spec = "wan0"}},
      {R"("device":"mac:02:00:00:00:00:01")", {}, {.spec = "wan0"}},
      {R"("device":"pci:0000:03:00.1")", {}, {.spec = "mac:02:00:00:00:00:02"}},
      {R"("device":"driver:e1000*","inside":"eth1")", {}, {.spec = "veth:"}},
      {R"("device":"driver:e1000e","to":"db1")", {}, {.id = "db2"}},
  });
  for (const char* driver : {"driver:e1000", "driver:igb*", "driver:[!e]*", "driver:E1000E"}) {
    BOOST_TEST(refusal(R"("device":")" + std::string(driver) + "\"", {}) != "", driver);
  }
}

BOOST_AUTO_TEST_CASE(look_alikes_of_an_id_are_others) {
  const std::string by_id = R"("device":"lan0","to":)";
  check_pairs({
      {by_id + R"("db1")", {}, {.id = "db"}},
      {by_id + R"("db1")", {}, {.id = "db10"}},
      {by_id + R"("db1")", {}, {.id = "DB1"}},
      {by_id + R"("db1")", {}, {.id = "db1-"}},
      {by_id + R"("db?")", {}, {.id = "db"}},
      {by_id + R"("db?")", {}, {.id = "db?"}},
      {by_id + R"("db*")", {.id = "db"}, {.id = "adb"}},
      {by_id + R"("db[0-9]")", {}, {.id = "dbx"}},
      {by_id + R"("db[1]")", {}, {.id = "db[1]"}},
      {by_id + R"("*")", {}, {.id = "../db1"}},
      {by_id + R"("*")", {}, {.id = "db1\n"}},
      {by_id + R"("*")", {}, {.id = "db1 "}},
      {by_id + R"("*")", {}, {.id = "d\xd0\xb1"}},
  });
}

BOOST_AUTO_TEST_CASE(look_alikes_of_a_place_are_others) {
  const std::string by_cgroup = R"("device":"lan0","cgroup":)";
  const std::string by_bundle = R"("device":"lan0","bundle":)";
  check_pairs({
      {by_cgroup + R"("/lan.slice/*")", {}, {.cgroup = "/lan.slice"}},
      {by_cgroup + R"("/lan.slice/*")", {}, {.cgroup = "/lan.slice2/db1.scope"}},
      {by_cgroup + R"("/lan.slice/*")", {}, {.cgroup = "/user.slice/lan.slice/db1.scope"}},
      {by_cgroup + R"("/lan.slice/*")", {}, {.cgroup = "/"}},
      {by_cgroup + R"("/lan.slice/*")", {}, {.cgroup = "/../lan.slice/db1.scope"}},
      {by_cgroup + R"("/lan.slice/db?.scope")", {}, {.cgroup = "/lan.slice/db.scope"}},
      {by_cgroup + R"("*")", {}, {.cgroup = "/"}},
      {by_bundle + R"("/srv/*")", {}, {.bundle = "/srv2/db1"}},
      {by_bundle + R"("/srv/*")", {}, {.bundle = "/tmp/srv/db1"}},
      {by_bundle + R"("/srv/db1")", {}, {.bundle = "/srv/db1/rootfs"}},
      {by_bundle + R"("/srv/db1","to":"db1","cgroup":"/lan*")", {}, {.cgroup = "/wan"}},
  });
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_inside_stays_in_the_rule) {
  const std::string addresses = R"("device":"lan0","addresses":["10.0.0.0/29"])";
  check_pairs({
      {R"("device":"lan0","inside":"eth?")", {}, {.inside = "eth10"}},
      {R"("device":"lan0","inside":"eth?")", {}, {.inside = "Eth1"}},
      {R"("device":"lan0","inside":"eth?")", {}, {.spec = "lan0 as=wlan0"}},
      {addresses, {.spec = "lan0 addr=10.0.0.7/24"}, {.spec = "lan0 addr=10.0.0.8/29"}},
      {addresses, {}, {.spec = "lan0 addr=10.0.0.1/29 addr=10.0.0.9/29"}},
      {addresses, {}, {.spec = "lan0 addr=2001:db8::1/64"}},
      {addresses, {}, {.spec = "lan0 addr=::ffff:10.0.0.1/128"}},
      {addresses, {}, {.spec = "lan0 keep=addresses"}},
      {R"("veth":true)", {.spec = "veth:"}, {.spec = "veth:h0"}},
      {R"("veth":true)", {.spec = "veth:"}, {.spec = "veth: bridge=br0"}},
      {R"("veth":true,"bridge":"br0")",
       {.spec = "veth: bridge=br0"},
       {.spec = "veth: bridge=br01"}},
      {R"("veth":true,"host_name":"h?")", {.spec = "veth:h0"}, {.spec = "veth:h00"}},
      {R"("veth":true)", {.spec = "veth:"}, {.spec = "veth: host-addr=10.0.0.1/24"}},
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend
