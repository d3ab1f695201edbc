#include <fmt/core.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "oci-hook/hook.hpp"
#include "oci-hook/hook_fixture.hpp"
#include "oci-spec/json.hpp"

using netlend::HookArguments;
using netlend::HookStage;
using netlend::parse_hook_arguments;
using netlend::test::check_complaint;
using netlend::test::run_hook;

// The kernel of these tests has no L3 network namespaces; integration/guest/inject_test.sh has
// one.
namespace {
std::string config_of(const std::string& annotations, const std::string& namespaces) {
  return fmt::format(
      R"({{"ociVersion": "1.0.2", "annotations": {{{}}}, "linux": {{"namespaces": {}}}}})",
      annotations, namespaces);
}
constexpr const char* kOwnNetwork = R"([{"type": "network"}])";
}  // namespace

BOOST_AUTO_TEST_SUITE(precreate)

BOOST_AUTO_TEST_CASE(is_a_stage) {
  const HookArguments change{.stage = HookStage::precreate, .deadline_s = 7};
  BOOST_TEST((parse_hook_arguments({"precreate", "--deadline", "7"}) == change));
}

BOOST_AUTO_TEST_CASE(gives_back_what_has_nothing_to_be_changed_to_the_byte) {
  const std::vector<std::string> configs{
      R"( { "ociVersion" :"1.0.2" } )", config_of("", "[]"),
      config_of(R"("org.example": "lan0")", kOwnNetwork),
      config_of(R"("io.netlend.nic.eth1": "lan0")", kOwnNetwork),
      config_of(R"("io.netlend.l3": "10.9.0.11 mode=routed")", kOwnNetwork),
      config_of(R"("io.netlend.l3": "10.9.0.11")", R"([{"type": "pid"}])"),
      config_of(R"("io.netlend.l3": "10.9.0.11")",
                R"([{"type": "network", "path": "/run/netns/a"}])"),
      // Where it can't be had, it is the next mode's.
      config_of(R"("io.netlend.l3": "10.9.0.11")", kOwnNetwork)};
  for (const auto& config : configs) {
    const auto result = run_hook({"precreate"}, config);
    BOOST_TEST(result.exit_code == 0);
    BOOST_TEST(result.output == config);
  }
}

BOOST_AUTO_TEST_CASE(refuses_mode_kernel_with_the_reason) {
  check_complaint(run_hook({"precreate"},
                           config_of(R"("io.netlend.l3": "10.9.0.11 mode=kernel")", kOwnNetwork)),
                  "address '10.9.0.11' is not lent in mode 'kernel': this kernel has no L3");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_config) {
  check_complaint(run_hook({"precreate"}, ""), "parse error");
  check_complaint(run_hook({"precreate"}, "podman"), "parse error");
  check_complaint(run_hook({"precreate"}, "[]"), "top level: expected an object, not array");
  check_complaint(run_hook({"precreate"}, std::string(netlend::JsonDocument::kBytesMax + 1, ' ')),
                  "more than 1048576 bytes");
  check_complaint(
      run_hook({"precreate"}, config_of("", R"([{"type": "network"}, {"type": "network"}])")),
      "/linux/namespaces/1: a second namespace of type 'network'");
  check_complaint(run_hook({"precreate"}, config_of(R"("io.netlend.l3": "nowhere")", kOwnNetwork)),
                  "io.netlend.l3");
}

BOOST_AUTO_TEST_CASE(by_users_containers_are_none_of_its_business) {
  const auto config = config_of(R"("io.netlend.l3": "10.9.0.11")", kOwnNetwork);
  const auto result =
      run_hook({"precreate"}, config, [] { ::prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0); });
  BOOST_TEST(result.output == config);
}

BOOST_AUTO_TEST_SUITE_END()
