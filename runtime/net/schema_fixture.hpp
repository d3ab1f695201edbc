#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace valijson {
class Schema;
}

namespace netlend::test {

/// A JSON schema that is shipped.
class Schema {
 public:
  /// Throws if there is none at `path`.
  explicit Schema(const std::string& path);
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  Schema(Schema&&) = delete;
  Schema& operator=(Schema&&) = delete;
  ~Schema();

  bool accepts(const nlohmann::json& document) const;

 private:
  std::unique_ptr<valijson::Schema> schema_;
};

}  // namespace netlend::test
