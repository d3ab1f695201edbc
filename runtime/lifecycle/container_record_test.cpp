#include "lifecycle/container_record.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "base/error.hpp"
#include "base/file.hpp"

using netlend::ContainerId;
using netlend::ContainerRecord;
using netlend::find_container;

BOOST_AUTO_TEST_SUITE(container_record)

BOOST_AUTO_TEST_CASE(a_container_is_found_by_its_id_while_it_runs) {
  const netlend::StateDirectory state;
  const ContainerId id("web1");
  const auto self = netlend::identify_process(::getpid());
  {
    const ContainerRecord record(state, id, self);
    BOOST_CHECK(find_container(state, id) == self);
    BOOST_CHECK(!find_container(state, ContainerId("web")));
  }
  BOOST_CHECK(!find_container(state, id));
  BOOST_TEST(netlend::list_names(state.containers()).empty());
}

BOOST_AUTO_TEST_CASE(an_id_has_one_container_until_that_is_dead) {
  const netlend::StateDirectory state;
  const ContainerId id("web1");
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto first = netlend::identify_process(child);
  const auto self = netlend::identify_process(::getpid());
  const ContainerRecord record(state, id, first);
  BOOST_CHECK_EXCEPTION(ContainerRecord(state, id, self), netlend::Error, [](const auto& error) {
    return std::string(error.what()) == "a container 'web1' is running already";
  });

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  BOOST_CHECK(!find_container(state, id));
  BOOST_TEST(netlend::forget_dead_containers(state).empty());
  BOOST_TEST(netlend::list_names(state.containers()).empty());
  const ContainerRecord second(state, id, self);
  BOOST_CHECK(find_container(state, id) == self);
}

BOOST_AUTO_TEST_CASE(a_record_that_netlend_did_not_write_is_a_sentence) {
  const netlend::StateDirectory state;
  for (const auto* text : {"", "{}", "[]", "{\"netlend\":2}", "{\"netlend\":1,\"pid\":\"x\"}"}) {
    netlend::replace_file(state.containers(), "odd", text);
    BOOST_CHECK_EXCEPTION(
        find_container(state, ContainerId("odd")), netlend::Error, [](const auto& error) {
          return std::string(error.what())
              .starts_with("the record '/run/netlend/containers/odd' is broken (");
        });
  }
  netlend::remove_file(state.containers(), "odd");
}

BOOST_AUTO_TEST_SUITE_END()
