#include "cli/target.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"
#include "support/own_namespaces.hpp"

namespace netlend::cli {

namespace {
std::string refusal(std::string_view text) {
  try {
    parse_target(text);
  } catch (const Error& error) {
    BOOST_TEST((error.kind() == ErrorKind::usage));
    return error.what();
  }
  return "nothing was refused";
}

Plan plan_for(const char* spec) { return Plan{{parse_nic_spec(spec)}}; }
}  // namespace

BOOST_AUTO_TEST_SUITE(target)

BOOST_AUTO_TEST_CASE(a_process_a_name_a_path_or_an_id) {
  BOOST_TEST((std::get<ProcessTarget>(parse_target("pid:42")) == ProcessTarget{42}));
  BOOST_TEST((std::get<PathTarget>(parse_target("netns:blue")) == PathTarget{"/run/netns/blue"}));
  BOOST_TEST(
      (std::get<PathTarget>(parse_target("netns:/proc/x/ns/net")) == PathTarget{"/proc/x/ns/net"}));
  // Which is dead with the process, and not when a mount ends.
  BOOST_TEST((std::get<ProcessTarget>(parse_target("netns:/proc/7/ns/net")) == ProcessTarget{7}));
  BOOST_TEST((std::get<ContainerId>(parse_target("db1")) == ContainerId{"db1"}));
}

BOOST_AUTO_TEST_CASE(what_is_none_of_them_is_refused) {
  BOOST_TEST(refusal("pid:0") == "--to pid:0: not a process id");
  BOOST_TEST(refusal("pid:-1") == "--to pid:-1: not a process id");
  BOOST_TEST(refusal("pid:4194305") == "--to pid:4194305: not a process id");
  BOOST_TEST(refusal("netns:../blue") ==
             "--to netns:../blue: neither the name of a namespace in /run/netns nor an absolute "
             "path");
  BOOST_TEST(refusal("netns:") ==
             "--to netns:: neither the name of a namespace in /run/netns nor an absolute path");
  BOOST_TEST(refusal("a/b") != "nothing was refused");
  BOOST_TEST(refusal("") != "nothing was refused");
}

BOOST_AUTO_TEST_CASE(our_own_namespace_is_refused_however_it_is_named) {
  const StateDirectory state("/run/netlend");
  const netlend::ContainerStore containers(state);
  const Plan plan = plan_for("eth0=lan0");
  BOOST_CHECK_EXCEPTION(
      find_borrower(state, containers, ProcessTarget{::getpid()}, plan), Error,
      [](const Error& error) {
        return std::string(error.what()).find("in this network namespace itself") !=
               std::string::npos;
      });
  BOOST_CHECK_THROW(find_borrower(state, containers, PathTarget{"/proc/self/ns/net"}, plan), Error);
}

BOOST_AUTO_TEST_CASE(a_container_that_nothing_was_lent_to_is_unknown) {
  const StateDirectory state("/run/netlend");
  const netlend::ContainerStore containers(state);
  BOOST_CHECK_EXCEPTION(
      find_borrower(state, containers, ContainerId{"box"}, plan_for("eth0=lan0")), Error,
      [](const Error& error) {
        return std::string(error.what()) ==
               "'box' is no container that netlend runs or has lent to; name it by --to pid:N or "
               "--to netns:NAME-OR-PATH";
      });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
