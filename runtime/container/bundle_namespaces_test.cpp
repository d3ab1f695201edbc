#include "container/bundle_namespaces.hpp"

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>

#include "base/error.hpp"

using netlend::open_namespaces;
using netlend::oci::Namespace;
using netlend::oci::NamespaceType;

namespace {
Namespace own(NamespaceType type) { return {.type = type, .path = std::nullopt}; }
Namespace joined(NamespaceType type, const std::string& path) {
  return {.type = type, .path = path};
}

std::string refusal(const std::vector<Namespace>& namespaces) {
  try {
    open_namespaces(namespaces);
  } catch (const netlend::Error& error) {
    return error.what();
  }
  return "nothing was refused";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(bundle_namespaces)

BOOST_AUTO_TEST_CASE(all_but_the_cgroups_are_made_at_once) {
  const auto all = open_namespaces({own(NamespaceType::mount), own(NamespaceType::pid),
                                    own(NamespaceType::cgroup),
                                    joined(NamespaceType::network, "/proc/self/ns/net")});
  BOOST_TEST(all.made_by_clone == static_cast<std::uint64_t>(CLONE_NEWNS | CLONE_NEWPID));
  BOOST_TEST(all.makes(CLONE_NEWCGROUP));
  BOOST_TEST(!all.makes(CLONE_NEWNET));
  BOOST_REQUIRE(all.find_joined(CLONE_NEWNET) != nullptr);
  BOOST_TEST(all.find_joined(CLONE_NEWNET)->path == "/proc/self/ns/net");
  BOOST_TEST((all.find_joined(CLONE_NEWUTS) == nullptr));
}

BOOST_AUTO_TEST_CASE(a_path_has_to_show_a_namespace_of_its_type) {
  const auto with = [](const std::string& path) {
    return refusal({own(NamespaceType::mount), joined(NamespaceType::network, path)});
  };
  BOOST_TEST(with("/proc/self/ns/uts") ==
             "/linux/namespaces/1/path: '/proc/self/ns/uts' is a namespace of another type");
  BOOST_TEST(with("/etc/passwd") == "/linux/namespaces/1/path: '/etc/passwd' is no namespace");
  // Opening it would wait for a writer.
  ::mkfifo("/run/fifo", 0600);
  BOOST_TEST(with("/run/fifo") == "/linux/namespaces/1/path: '/run/fifo' is no namespace");
  ::unlink("/run/fifo");
  BOOST_TEST(with("/nosuch").starts_with("/linux/namespaces/1/path: open the namespace"));
}

BOOST_AUTO_TEST_CASE(nobody_elses_mount_namespace_is_changed) {
  BOOST_TEST(refusal({own(NamespaceType::pid)}).starts_with("/linux/namespaces: "));
  BOOST_TEST(refusal({joined(NamespaceType::mount, "/proc/self/ns/mnt")})
                 .starts_with("/linux/namespaces: "));
}

BOOST_AUTO_TEST_SUITE_END()
