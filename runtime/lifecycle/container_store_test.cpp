#include "lifecycle/container_store.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "base/error.hpp"
#include "base/file.hpp"

using netlend::ContainerFolder;
using netlend::ContainerId;
using netlend::ContainerRecord;
using netlend::ContainerStatus;
using netlend::ContainerStore;
using netlend::ProcessIdentity;

namespace {
/// A process that does nothing until it is killed.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0) {
      ::pause();
      ::_exit(0);
    }
  }
  ~Sleeper() { kill(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  ProcessIdentity identity() const { return netlend::identify_process(pid_); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

struct Store {
  Store() : containers(state) {}

  static ContainerRecord record(const ProcessIdentity& init, const std::string& bundle) {
    return {.id = ContainerId("web1"),
            .creator = netlend::identify_process(::getpid()),
            .init = init,
            .bundle = bundle,
            .annotations = {{"key", "value"}},
            .created = netlend::timestamp_now(),
            .cgroup = netlend::CgroupRecord{.path = "/netlend/web1", .made = {"pids"}}};
  }

  netlend::StateDirectory state;
  ContainerStore containers;
  const ContainerId id{"web1"};
};

bool says(const netlend::Error& error, std::string_view text) {
  return std::string_view(error.what()).find(text) != std::string_view::npos;
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(container_store, Store)

BOOST_AUTO_TEST_CASE(a_record_is_read_as_it_was_written) {
  const auto written = record(netlend::identify_process(::getpid()), "/a\xff b");
  BOOST_CHECK(netlend::parse_record(netlend::format_record(written)) == written);
  ContainerRecord bare = written;
  bare.init.reset();
  bare.cgroup.reset();
  BOOST_CHECK(netlend::parse_record(netlend::format_record(bare)) == bare);
}

BOOST_AUTO_TEST_CASE(a_container_is_found_by_its_id_until_it_is_removed) {
  const auto self = netlend::identify_process(::getpid());
  const auto folder = ContainerFolder::make(containers, id);
  BOOST_CHECK(!containers.find(id));
  folder.save(record(self, "/bundle"));
  BOOST_CHECK(netlend::find_container(containers, id) == self);
  BOOST_CHECK(!netlend::find_container(containers, ContainerId("web")));
  folder.remove();
  BOOST_CHECK(!containers.find(id));
  BOOST_TEST(netlend::list_names(state.containers()).empty());
}

BOOST_AUTO_TEST_CASE(the_status_follows_the_process_and_the_start_gate) {
  Sleeper init;
  const auto folder = ContainerFolder::make(containers, id);
  auto written = record(init.identity(), "/bundle");
  const auto status = [&] { return containers.get(id).status; };
  const std::string created = std::exchange(written.created, {});
  folder.save(written);
  BOOST_TEST((status() == ContainerStatus::creating));
  written.created = created;
  folder.save(written);
  netlend::replace_file(folder.fd(), "start", "");
  BOOST_TEST((status() == ContainerStatus::created));
  folder.close_start_gate();
  BOOST_TEST((status() == ContainerStatus::running));
  init.kill();
  BOOST_TEST((status() == ContainerStatus::stopped));
  BOOST_CHECK(!containers.get(id).pid());
  folder.remove();
}

BOOST_AUTO_TEST_CASE(an_id_has_one_container) {
  Sleeper init;
  {
    const auto folder = ContainerFolder::make(containers, id);
    folder.save(record(init.identity(), "/bundle"));
  }
  const auto is_taken = [](const auto& error) {
    return says(error, "a container 'web1' exists already");
  };
  BOOST_CHECK_EXCEPTION(ContainerFolder::make(containers, id), netlend::Error, is_taken);
  // One with a bundle is there until it is deleted.
  init.kill();
  BOOST_CHECK_EXCEPTION(ContainerFolder::make(containers, id), netlend::Error, is_taken);
  BOOST_TEST(netlend::forget_dead_containers(containers).empty());
  ContainerFolder::open(containers, id)->remove();
}

BOOST_AUTO_TEST_CASE(what_a_dead_command_left_is_replaced_or_forgotten) {
  const auto leave = [&] {
    Sleeper init;
    const auto folder = ContainerFolder::make(containers, id);
    folder.save(record(init.identity(), ""));
  };
  leave();
  leave();
  BOOST_TEST(netlend::forget_dead_containers(containers).empty());
  BOOST_TEST(netlend::list_names(state.containers()).empty());
}

BOOST_AUTO_TEST_CASE(a_folder_that_a_killed_netlend_left_empty_is_replaced) {
  ::mkdirat(containers.fd(), "web1", 0700);
  BOOST_CHECK(!containers.find(id));
  ContainerFolder::make(containers, id).remove();
  BOOST_TEST(netlend::list_names(state.containers()).empty());
}

BOOST_AUTO_TEST_CASE(a_record_that_netlend_did_not_write_is_a_sentence) {
  for (const auto* text : {"", "{}", "[]", "{\"netlend\":2}", "{\"netlend\":1,\"id\":7}"}) {
    const auto folder = ContainerFolder::make(containers, id);
    netlend::replace_file(folder.fd(), "state.json", text);
    BOOST_CHECK_EXCEPTION(containers.find(id), netlend::Error, [](const auto& error) {
      return says(error, "the record of container 'web1' is broken: ");
    });
    folder.remove();
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_others_could_write_to_is_no_root) {
  ::mkdir("/run/open", 0777);
  ::chmod("/run/open", 0777);
  BOOST_CHECK_EXCEPTION(ContainerStore("/run/open"), netlend::Error, [](const auto& error) {
    return says(error, "others could forge containers");
  });
  ::rmdir("/run/open");
  const ContainerStore own("/run/own/deep");
  ContainerFolder::make(own, id).remove();
}

BOOST_AUTO_TEST_SUITE_END()
