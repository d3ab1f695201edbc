#include "oci-hook/address_checks.hpp"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.hpp"

using netlend::check_capabilities;
using netlend::ContainerId;
using netlend::Error;
using netlend::why_not_confined;

namespace {
std::string refusal(const std::string& config) {
  try {
    check_capabilities(config, ContainerId{"web"});
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string warning(const std::string& config) {
  return why_not_confined(config, ContainerId{"web"}).value_or("");
}
}  // namespace

BOOST_AUTO_TEST_SUITE(configs_of_borrowers_of_addresses)

BOOST_AUTO_TEST_CASE(capabilities_over_the_network_are_refused_in_whatever_set) {
  for (const std::string set : {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
    for (const std::string name : {"NET_ADMIN", "NET_RAW", "SYS_ADMIN"}) {
      const auto why = refusal(fmt::format(
          R"({{"process":{{"capabilities":{{"{}":["CAP_CHOWN","CAP_{}"]}}}}}})", set, name));
      BOOST_TEST(why.starts_with("container 'web' keeps CAP_" + name), why);
      BOOST_TEST(why.find("--cap-drop " + name) != std::string::npos, why);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_capabilities_and_none_are_no_obstacle) {
  for (const std::string config :
       {"{}", R"({"process":null})", R"({"process":{}})", R"({"process":{"capabilities":null}})",
        R"({"process":{"capabilities":{"bounding":null}}})",
        R"({"process":{"capabilities":{"bounding":["CAP_NET_BIND_SERVICE"]}}})"}) {
    BOOST_TEST(refusal(config) == "", config);
  }
}

BOOST_AUTO_TEST_CASE(a_container_without_a_profile_that_forbids_is_told_of) {
  BOOST_TEST(warning("{}").starts_with("container 'web' has no seccomp profile: "));
  BOOST_TEST(warning(R"({"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW"}}})")
                 .starts_with("container 'web' has a seccomp profile that lets pass"));
  BOOST_TEST(warning(R"({"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ERRNO"}}})") == "");
}

BOOST_AUTO_TEST_SUITE_END()
