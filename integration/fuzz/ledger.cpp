#include "net/ledger/ledger.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/sha256.hpp"
#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "oci-spec/json.hpp"

namespace netlend::fuzz {

using nlohmann::json;

namespace {
const std::string kName = "db1-6db8dbae-3218783";

// What `written` holds, `read` holds too. What `read` holds beside it is a later netlend's; a
// "text" is for people.
void require_nothing_was_bent(const json& read, const json& written, const std::string& where) {
  if (!written.is_structured()) {
    require(read == written, "what stands at " + where + " is taken as it is");
    return;
  }
  require(read.type() == written.type(), "what stands at " + where + " is of its kind");
  for (const auto& [key, value] : written.items()) {
    if (key == "text") continue;
    const std::string place = fmt::format("{}/{}", where, key);
    if (read.is_array()) {
      require_nothing_was_bent(read.at(std::stoul(key)), value, place);
    } else {
      require(read.contains(key), "what is written at " + place + " was read there");
      require_nothing_was_bent(read.at(key), value, place);
    }
  }
}

void require_survives(const std::string& text) {
  const auto ledger = accepted([&] { return parse_ledger(kName, text); });
  if (!ledger) return;
  const std::string written = format_ledger(*ledger);
  const auto again = accepted([&] { return parse_ledger(kName, written); });
  require(again && *again == *ledger, "a ledger is read as it was written");
  require(format_ledger(*again) == written, "a ledger is written one way");
  require_nothing_was_bent(json::parse(text).at("ledger"), json::parse(written).at("ledger"), "");
}

// The checksum made to fit: no fuzzer finds one.
std::optional<std::string> sealed(std::string_view input) {
  // Nothing that json::dump() would fall over.
  if (!accepted([&] { return check_json(input), true; })) return std::nullopt;
  json file = json::parse(input);
  if (!file.is_object() || !file.contains("ledger")) return std::nullopt;
  file["sha256"] = sha256_hex(file["ledger"].dump());
  return file.dump();
}
}  // namespace

/// A file of ledgers/, as it is and with a checksum that fits.
void ledger(std::string_view input) {
  require_survives(std::string(input));
  if (const auto text = sealed(input)) require_survives(*text);
}

}  // namespace netlend::fuzz
