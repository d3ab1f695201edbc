#include "net/snapshot/companions.hpp"

#include <fcntl.h>

#include <boost/test/unit_test.hpp>
#include <map>

#include "base/syscall.hpp"
#include "net/checks.hpp"
#include "net/kernel/sysfs.hpp"
#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

using netlend::Netns;
using netlend::UniqueFd;
using netlend::test::error_of;
using netlend::test::says;
using netlend::test::sh;

namespace {
/// A folder with the part of a sysfs that this kernel's has no hardware for.
struct Folder {
  Folder() {
    sh("rm -rf /run/sysfs-test; mkdir -p /run/sysfs-test/class/net; cd /run/sysfs-test/class;"
       "mkdir net/lan0;"
       "for port in mlx5_0/ports/1 mlx5_0/ports/2 rxe0/ports/1; do"
       "  mkdir -p infiniband/$port/gid_attrs/ndevs; done;"
       "echo other0 > infiniband/mlx5_0/ports/1/gid_attrs/ndevs/0;"
       "echo lan0 > infiniband/mlx5_0/ports/2/gid_attrs/ndevs/0;"
       "echo lan0 > infiniband/rxe0/ports/1/gid_attrs/ndevs/0;"
       "ln -s ../../../0000:03:00.0 infiniband/mlx5_0/device");
    root = UniqueFd{netlend::check(::open("/run/sysfs-test", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                   "open", "a folder")};
  }
  UniqueFd root;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(companions, Folder)

BOOST_AUTO_TEST_CASE(a_device_has_the_rdma_devices_of_which_a_port_is_on_it) {
  const auto found = netlend::find_companions(root.get(), "lan0");
  BOOST_REQUIRE(found.size() == 2U);
  std::map<std::string, bool> is_software;
  for (const auto& each : found) is_software[each.name] = each.is_software;
  BOOST_TEST(!is_software.at("mlx5_0"));
  BOOST_TEST(is_software.at("rxe0"));
}

BOOST_AUTO_TEST_CASE(in_hardware_they_stay_and_are_lent_without_only_by_force) {
  sh("rm -r /run/sysfs-test/class/infiniband/rxe0");
  const auto reasons = netlend::why_only_by_force(netlend::find_companions(root.get(), "lan0"));
  BOOST_REQUIRE(reasons.size() == 1U);
  BOOST_TEST(reasons[0] ==
             "its RDMA device 'mlx5_0' stays here and loses its network until it comes home");
  BOOST_TEST(netlend::why_only_by_force(netlend::find_companions(root.get(), "lan1")).empty());
}

BOOST_AUTO_TEST_CASE(in_software_they_are_never_destroyed) {
  const auto error =
      error_of([&] { netlend::why_only_by_force(netlend::find_companions(root.get(), "lan0")); });
  BOOST_TEST(says(error, "RDMA device 'rxe0' is made of it"), error);
  BOOST_TEST(says(error, "remove 'rxe0' first"), error);
}

BOOST_AUTO_TEST_CASE(a_veth_has_none_and_the_sysfs_shows_the_namespace_that_is_asked) {
  netlend::test::enter_new_netns();
  sh("ip link add a0 type veth peer name a1");
  netlend::Site here{Netns::current()};
  netlend::test::enter_new_netns();
  const auto sysfs = netlend::open_sysfs(here.netns);
  BOOST_REQUIRE(sysfs.has_value());
  BOOST_TEST(::faccessat(sysfs->get(), "class/net/a0", F_OK, 0) == 0);
  const auto found = netlend::read_companions(here, "a0");
  BOOST_TEST(found.empty());
}

BOOST_AUTO_TEST_SUITE_END()
