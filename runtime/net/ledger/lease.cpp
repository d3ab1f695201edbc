#include "net/ledger/lease.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

namespace netlend {

using nlohmann::json;

namespace {
constexpr std::size_t kLeaseMaxBytes = 4096;
constexpr std::string_view kAddressLeases = "addresses/";

/// A lease that names another ledger would pass for nobody's, and be dropped.
std::string checksum_of(const Lease& lease) {
  return sha256_hex(lease.ledger_name + "\n" + lease.id.str());
}

/// A lease's folder and file.
struct Place {
  int folder;
  std::string file;
};

Place place_of(const StateDirectory& state, const std::string& lease_name) {
  if (!lease_name.starts_with(kAddressLeases)) return {state.devices(), lease_name};
  return {state.addresses(), lease_name.substr(kAddressLeases.size())};
}

Lease parse_lease(const std::string& text) {
  const json file = json::parse(text);
  if (file.at("netlend") != 1) throw Error("it is of another version");
  Lease lease{.ledger_name = file.at("ledger").get<std::string>(),
              .id = ContainerId{file.at("id").get<std::string>()}};
  if (file.at("sha256") != checksum_of(lease)) {
    throw Error("its checksum doesn't fit its content");
  }
  return lease;
}

std::string format_lease(const Lease& lease) {
  return json{{"netlend", 1},
              {"ledger", lease.ledger_name},
              {"id", lease.id.str()},
              {"sha256", checksum_of(lease)}}
             .dump() +
         "\n";
}
}  // namespace

std::optional<Lease> take_lease(const StateDirectory& state, const std::string& lease_name,
                                const Lease& holder) {
  const std::string content = format_lease(holder);
  const Place place = place_of(state, lease_name);
  for (;;) {
    if (create_file_exclusive(place.folder, place.file, content)) return std::nullopt;
    // It may have been dropped since.
    if (auto lease = read_lease(state, lease_name)) return lease;
  }
}

std::optional<Lease> read_lease(const StateDirectory& state, const std::string& lease_name) {
  const Place place = place_of(state, lease_name);
  const auto text = read_file_if_exists(place.folder, place.file, kLeaseMaxBytes);
  if (!text) return std::nullopt;
  const auto broken = [&](std::string_view why) {
    return Error(fmt::format("the lease '{}/{}{}' is broken ({}); 'netlend reap' mends it",
                             state.path(), place.folder == state.devices() ? "devices/" : "",
                             lease_name, printable(why)));
  };
  try {
    return parse_lease(*text);
  } catch (const json::exception& error) {
    throw broken(error.what());
  } catch (const Error& error) {
    throw broken(error.what());
  }
}

void drop_lease(const StateDirectory& state, const std::string& lease_name,
                const std::string& ledger_name) {
  try {
    const auto lease = read_lease(state, lease_name);
    if (!lease || lease->ledger_name != ledger_name) return;
  } catch (const Error& error) {
    // While it is there nobody else can have taken it.
    if (error.errno_value() != 0) throw;
  }
  remove_lease(state, lease_name);
}

void mend_lease(const StateDirectory& state, const std::string& lease_name, const Lease& holder) {
  const Place place = place_of(state, lease_name);
  replace_file(place.folder, place.file, format_lease(holder));
}

void remove_lease(const StateDirectory& state, const std::string& lease_name) {
  const Place place = place_of(state, lease_name);
  remove_file(place.folder, place.file);
}

std::vector<std::string> list_leases(const StateDirectory& state) {
  auto names = list_names(state.devices());
  for (const auto& file : list_names(state.addresses())) {
    names.push_back(std::string(kAddressLeases) + file);
  }
  return names;
}

}  // namespace netlend
