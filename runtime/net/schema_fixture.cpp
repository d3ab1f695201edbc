#include "net/schema_fixture.hpp"

#include <fcntl.h>

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "base/file.hpp"

namespace netlend::test {

namespace {
constexpr std::size_t kSchemaMax = std::size_t{64} * 1024;
using Adapter = valijson::adapters::NlohmannJsonAdapter;
}  // namespace

Schema::Schema(const std::string& path) : schema_(std::make_unique<valijson::Schema>()) {
  const auto document = nlohmann::json::parse(read_file(AT_FDCWD, path, kSchemaMax));
  valijson::SchemaParser{}.populateSchema(Adapter{document}, *schema_);
}

Schema::~Schema() = default;

bool Schema::accepts(const nlohmann::json& document) const {
  valijson::Validator validator{valijson::Validator::kStrongTypes};
  return validator.validate(*schema_, Adapter{document}, nullptr);
}

}  // namespace netlend::test
