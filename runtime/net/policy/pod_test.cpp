#include "net/policy/pod.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/lab.hpp"

using netlend::identify_process;
using netlend::is_of_same_pod;
using netlend::Netns;
using netlend::pod_of;
using netlend::test::Sleeper;
using namespace std::string_literals;

namespace {
const std::string kPod = "/libpod_parent/" + std::string(64, 'a');

// Where the hierarchy that the cases make cgroups in is mounted.
std::string hierarchy() {
  const bool is_pure = std::filesystem::exists("/sys/fs/cgroup/cgroup.procs");
  return is_pure ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
}

void put(const Sleeper& process, const std::string& cgroup) {
  std::filesystem::create_directories(hierarchy() + cgroup);
  std::ofstream(hierarchy() + cgroup + "/cgroup.procs") << process.pid();
}

/// Of one pod: who was lent the device lives in the old namespace, and the infra container, which
/// was restarted, and a newcomer in the new one.
struct Pod {
  Pod() {
    put(member, kPod + "/libpod-1");
    put(newcomer, kPod + "/libpod-2");
  }
  bool is_newcomers() const {
    return is_of_same_pod(identify_process(newcomer.pid()), Netns::of_process(infra.pid()),
                          identify_process(member.pid()));
  }
  Sleeper member;
  Sleeper infra;
  Sleeper newcomer;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(pods)

BOOST_AUTO_TEST_CASE(a_pods_cgroup_has_an_id_that_was_made_up) {
  const std::string id(64, 'b');
  BOOST_TEST(pod_of(kPod + "/libpod-" + id).value_or("") == kPod);
  const std::string slice = "/machine.slice/machine-libpod_pod_" + id + ".slice";
  BOOST_TEST(pod_of(slice + "/libpod-" + id + ".scope").value_or("") == slice);
  for (const std::string& cgroup :
       {"/libpod_parent/libpod-" + id, "/machine.slice/libpod-" + id + ".scope", "/" + id,
        "/lan/db/c1"s, "/"s, ""s, "/pod" + id + "0/c1", "/" + id + "/lan/c1"}) {
    BOOST_TEST(!pod_of(cgroup), cgroup);
  }
}

BOOST_FIXTURE_TEST_CASE(a_newcomer_is_of_the_pod_in_whose_namespace_another_of_it_lives, Pod) {
  BOOST_TEST(!is_newcomers());
  put(infra, kPod + "/libpod-0");
  BOOST_TEST(is_newcomers());
}

BOOST_FIXTURE_TEST_CASE(who_is_beside_a_pod_is_not_of_it, Pod) {
  put(infra, kPod + "/libpod-0");
  for (const std::string& cgroup :
       {kPod + "0/libpod-2", "/libpod_parent/libpod-2"s, "/lan/libpod-2"s}) {
    put(newcomer, cgroup);
    BOOST_TEST(!is_newcomers(), cgroup);
  }
  put(newcomer, kPod + "/libpod-2");
  put(infra, "/libpod_parent/other");
  BOOST_TEST(!is_newcomers());
  put(infra, kPod + "/libpod-0");
  put(member, "/libpod_parent/other");
  BOOST_TEST(!is_newcomers());
}

BOOST_AUTO_TEST_SUITE_END()
