#include "oci-spec/config_edit.hpp"

#include <boost/test/unit_test.hpp>

#include "oci-spec/config.hpp"
#include "oci-spec/refusals.hpp"

using netlend::oci::Bad;
using netlend::oci::change_config;
using netlend::oci::check_refused;
using netlend::oci::parse_network_wish;

namespace {
const netlend::oci::ConfigChanges kChanges{.netns_path = "/run/x",
                                           .capabilities = {"CAP_NET_ADMIN", "CAP_NET_RAW"},
                                           .sysctls = {"net.ipv4.ping_group_range"},
                                           .hook_path = "/usr/bin/netlend-hook"};
constexpr const char* kOwnNetwork = R"({"linux": {"namespaces": [{"type": "network"}]}})";
}  // namespace

BOOST_AUTO_TEST_SUITE(a_config_for_another_runtime)

BOOST_AUTO_TEST_CASE(says_what_it_wants_of_the_network) {
  BOOST_TEST(!parse_network_wish("{}").has_namespace);
  BOOST_TEST(!parse_network_wish(R"({"linux": null})").has_namespace);
  BOOST_TEST(!parse_network_wish(R"({"linux": {"namespaces": null}})").has_namespace);
  BOOST_TEST(!parse_network_wish(R"({"linux": {"namespaces": [{"type": "pid"}]}})").has_namespace);
  const auto own = parse_network_wish(kOwnNetwork);
  BOOST_TEST(own.has_namespace);
  BOOST_TEST((own.netns_path == std::nullopt));
  const auto wish = parse_network_wish(R"({"linux": {
    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/run/netns/a"}],
    "netDevices": {"eth0": {}}, "sysctl": {"net.ipv4.ip_forward": "1", "net/core/a": "2",
                                           "kernel.domainname": "a"}}})");
  BOOST_TEST((wish.netns_path == "/run/netns/a"));
  BOOST_TEST(wish.has_devices);
  BOOST_TEST(wish.sysctls == (std::vector<std::string>{"net.ipv4.ip_forward", "net/core/a"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(that_is_none_is_refused) {
  check_refused(
      std::vector<Bad>{
          {"", "parse error"},
          {"not JSON", "parse error"},
          {"[]", "top level: expected an object, not array"},
          {std::string(netlend::JsonDocument::kBytesMax + 1, ' '), "more than 1048576 bytes"},
          {R"({"linux": []})", "/linux: expected an object, not array"},
          {R"({"linux": {"namespaces": {}}})", "/linux/namespaces: expected an array, not object"},
          {R"({"linux": {"namespaces": [{}]}})", "/linux/namespaces/0/type: is missing"},
          {R"({"linux": {"namespaces": [{"type": "network"}, {"type": "network"}]}})",
           "/linux/namespaces/1: a second namespace of type 'network'"},
          {R"({"linux": {"namespaces": [{"type": "network", "path": 1}]}})",
           "/linux/namespaces/0/path: expected a string, not number"}},
      parse_network_wish);
}

BOOST_AUTO_TEST_CASE(keeps_all_that_is_not_changed_in_its_order) {
  const std::string rest = R"("zeta":{"x":[1,2.5,-3,18446744073709551615,"\u0001)"
                           "\xc3\xbc"
                           R"("]},"alpha":null)";
  BOOST_TEST(change_config("{" + rest + R"(,"linux":{"namespaces":[{"type":"network"},
                             {"type":"pid","path":"/a"}],"other":1},"hooks":{"poststop":[],
                             "createRuntime":[{"path":"/b"}]}})",
                           kChanges) ==
             "{" + rest +
                 R"(,"linux":{"namespaces":[{"type":"network","path":"/run/x"},)"
                 R"({"type":"pid","path":"/a"}],"other":1},)"
                 R"("hooks":{"poststop":[{"path":"/usr/bin/netlend-hook",)"
                 R"("args":["/usr/bin/netlend-hook","poststop"],"timeout":30}],)"
                 R"("createRuntime":[{"path":"/b"},{"path":"/usr/bin/netlend-hook",)"
                 R"("args":["/usr/bin/netlend-hook","createRuntime"],"timeout":30}]}})");
}

BOOST_AUTO_TEST_CASE(loses_capabilities_and_sysctls) {
  const auto text = change_config(R"({
    "process": {"capabilities": {"bounding": ["CAP_NET_RAW", "CAP_KILL", "CAP_NET_ADMIN"],
                                 "ambient": null, "effective": ["CAP_NET_RAW"]}},
    "linux": {"namespaces": [{"type": "network"}],
              "sysctl": {"net.ipv4.ping_group_range": "0 0", "kernel.domainname": "a"}}})",
                                  kChanges);
  BOOST_TEST(text.starts_with(
      R"({"process":{"capabilities":{"bounding":["CAP_KILL"],"ambient":null,"effective":[]}},)"
      R"("linux":{"namespaces":[{"type":"network","path":"/run/x"}],)"
      R"("sysctl":{"kernel.domainname":"a"}},)"));
}

BOOST_AUTO_TEST_CASE(that_was_changed_already_only_gets_another_namespace) {
  const auto once = change_config(kOwnNetwork, kChanges);
  BOOST_TEST(change_config(once, kChanges) == once);
}

BOOST_AUTO_TEST_CASE(that_calls_the_hook_at_prestart_is_not_made_to_call_it_twice) {
  const std::string text = R"({"linux":{"namespaces":[{"type":"network","path":"/run/x"}]},)"
                           R"("hooks":{"prestart":[{"path":"/opt/netlend-hook"}],)"
                           R"("createRuntime":[],"poststop":[{"path":"/opt/netlend-hook"}]}})";
  BOOST_TEST(change_config(text, kChanges) == text);
}

BOOST_AUTO_TEST_CASE(with_hooks_of_another_kind_is_refused) {
  check_refused(std::vector<Bad>{{R"({"hooks": [], "linux": {"namespaces": []}})",
                                  "/hooks: expected an object, not array"},
                                 {R"({"hooks": {"poststop": {}}, "linux": {"namespaces": []}})",
                                  "/hooks/poststop: expected an array, not object"}},
                [](const std::string& text) { return change_config(text, kChanges); });
}

BOOST_AUTO_TEST_SUITE_END()
