#include <nlohmann/json.hpp>

#include "cli/loans_json.hpp"
#include "cli/observe.hpp"
#include "cli/show_json.hpp"
#include "cli/show_text.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

int execute(const Session& session, const ShowArguments& arguments) {
  const Observation observation = observe(session.state());
  const auto books = session.books();
  print(arguments.format == OutputFormat::text ? format_text(books, observation)
                                               : format_json(show_to_json(books, observation)));
  return session.report(observation.failures);
}

}  // namespace netlend::cli
