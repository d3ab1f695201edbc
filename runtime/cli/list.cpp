#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/loans_json.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "cli/view_json.hpp"

namespace netlend::cli {

namespace {
std::string format(const std::vector<ContainerView>& views, ListFormat format) {
  if (format == ListFormat::json) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& view : views) all.push_back(view_to_json(view));
    return format_json(all);
  }
  std::vector<Row> rows;
  if (format == ListFormat::table) rows.push_back({"ID", "PID", "STATUS", "BUNDLE", "CREATED"});
  for (const auto& view : views) {
    if (format == ListFormat::ids) {
      rows.push_back({view.record.id.str()});
    } else {
      rows.push_back({view.record.id.str(), std::to_string(view.pid().value_or(0)),
                      std::string(status_name(view.status)),
                      view.record.bundle.empty() ? "-" : view.record.bundle, view.record.created});
    }
  }
  return format_table(rows);
}
}  // namespace

int execute(const Session& session, const ListArguments& arguments) {
  std::vector<ContainerView> views;
  Failures broken;
  for (const auto& id : session.containers().ids()) {
    attempt(broken, [&] {
      if (auto view = session.containers().find(id)) views.push_back(*std::move(view));
    });
  }
  print(format(views, arguments.format));
  return session.report(broken);
}

}  // namespace netlend::cli
