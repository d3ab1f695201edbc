#include "cli/view_json.hpp"

#include <nlohmann/json.hpp>

#include "lifecycle/bundle.hpp"

namespace netlend::cli {

nlohmann::ordered_json view_to_json(const ContainerView& view) {
  auto state =
      nlohmann::ordered_json::parse(state_text(view.record, status_name(view.status), view.pid()));
  state["created"] = view.record.created;
  return state;
}

}  // namespace netlend::cli
