#include "lifecycle/delete_container.hpp"

#include <fmt/core.h>

#include "lifecycle/clean_up.hpp"
#include "lifecycle/container_store.hpp"

namespace netlend {

namespace {
void check_may_be_deleted(const ContainerView& view) {
  if (view.status == ContainerStatus::stopped || view.status == ContainerStatus::created) return;
  throw Error(
      fmt::format("container '{}' is {}; kill it first, or write 'netlend delete --force {}'",
                  view.record.id.str(), status_name(view.status), view.record.id.str()));
}
}  // namespace

Failures delete_container(const Runtime& runtime, const ContainerId& id, Force force) {
  if (force == Force::no) {
    check_may_be_deleted(runtime.containers.get(id));
  } else if (const auto view = runtime.containers.find(id)) {
    // Before the lock: the netlend that has it may be waiting for this very process.
    kill_first_process(view->record);
  }
  const auto folder = ContainerFolder::open(runtime.containers, id);
  if (!folder) return {};
  const auto view = folder->load();
  if (view) {
    if (force == Force::no) check_may_be_deleted(*view);
    return clean_up(runtime, *folder, view->record);
  }
  folder->remove();
  return {};
}

}  // namespace netlend
