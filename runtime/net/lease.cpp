#include "net/lease.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace netlend {

using nlohmann::json;

namespace {
constexpr std::size_t kLeaseMaxBytes = 4096;
}

std::optional<Lease> take_lease(const StateDirectory& state, const std::string& lease_name,
                                const Lease& holder) {
  const std::string content =
      json{{"netlend", 1}, {"ledger", holder.ledger_name}, {"id", holder.id.str()}}.dump() + "\n";
  for (;;) {
    if (create_file_exclusive(state.devices(), lease_name, content)) return std::nullopt;
    // It may have been dropped since.
    if (auto lease = read_lease(state, lease_name)) return lease;
  }
}

std::optional<Lease> read_lease(const StateDirectory& state, const std::string& lease_name) {
  const auto text = read_file_if_exists(state.devices(), lease_name, kLeaseMaxBytes);
  if (!text) return std::nullopt;
  try {
    const json lease = json::parse(*text);
    return Lease{.ledger_name = lease.at("ledger").get<std::string>(),
                 .id = ContainerId{lease.at("id").get<std::string>()}};
  } catch (const json::exception& error) {
    throw Error(
        fmt::format("the lease '{}/devices/{}' is broken ({}); remove it once the device is "
                    "at home",
                    state.path(), lease_name, printable(error.what())));
  }
}

void drop_lease(const StateDirectory& state, const std::string& lease_name,
                const std::string& ledger_name) {
  const auto lease = read_lease(state, lease_name);
  if (lease && lease->ledger_name == ledger_name) remove_file(state.devices(), lease_name);
}

}  // namespace netlend
