#include "cli/plan_report.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "net/plan/plan_parse.hpp"

namespace netlend::cli {

namespace {
Plan make_plan() { return Plan{{parse_nic_spec("eth0=lan0"), parse_nic_spec("eth1=veth:")}}; }

std::vector<PlanReport> make_reports() {
  return {
      {.changes = {"device 'lan0' leaves here", "'eth0' is up inside"},
       .restored = {"name 'lan0'"},
       .lost = {},
       .refusals = {}},
      {.changes = {},
       .restored = {},
       .lost = {},
       .refusals = {"the name 'eth1' is taken in 'box', and what is said of it is longer than a "
                    "line"}}};
}
}  // namespace

BOOST_AUTO_TEST_SUITE(plan_report)

BOOST_AUTO_TEST_CASE(each_device_has_its_lists_and_empty_ones_are_left_out) {
  BOOST_TEST(format_text(make_plan(), make_reports()) ==
             "eth0 = lan0\n"
             "  changes   device 'lan0' leaves here\n"
             "            'eth0' is up inside\n"
             "  restored  name 'lan0'\n"
             "\n"
             "eth1 = veth:\n"
             "  refused   the name 'eth1' is taken in 'box', and what is said of it is longer\n"
             "              than a line\n");
}

BOOST_AUTO_TEST_CASE(json_has_every_list) {
  const auto json = plan_to_json(make_plan(), make_reports());
  BOOST_TEST(json.at("netlend") == 1);
  BOOST_TEST(json.at("devices").size() == 2U);
  BOOST_TEST(json.at("devices").at(0).at("source") == "lan0");
  BOOST_TEST(json.at("devices").at(0).at("lost").empty());
  BOOST_TEST(json.at("devices").at(1).at("refusals").size() == 1U);
}

BOOST_AUTO_TEST_CASE(json_of_addresses_has_the_mode_that_would_be_taken) {
  const Plan plan{.nics = {}, .addresses = {parse_l3_spec("192.0.2.10 as=web0")}};
  const auto json = plan_to_json(plan, {{.changes = {"sysctl a becomes 1"}, .mode = "netkit"}});
  BOOST_TEST(json.at("devices").empty());
  BOOST_TEST(json.at("l3").at(0).at("mode") == "netkit");
  BOOST_TEST(json.at("l3").at(0).at("changes").at(0) == "sysctl a becomes 1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
