#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "net/ledger/address_loan_json.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/process_json.hpp"
#include "net/snapshot/record_json.hpp"
#include "net/snapshot/snapshot_json.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

using nlohmann::json;

namespace {
constexpr int kMajorVersion = 1;

json to_json(const NetnsIdentity& netns) {
  return {{"device", netns.device}, {"inode", netns.inode}, {"cookie", netns.cookie}};
}

NetnsIdentity netns_from(const json& object) {
  return {.device = object.at("device").get<std::uint64_t>(),
          .inode = object.at("inode").get<std::uint64_t>(),
          .cookie = object.at("cookie").get<std::uint64_t>()};
}

json to_json(const Loan& loan) {
  json object{{"id", loan.id},
              {"inside", bytes_to_utf8(loan.inside)},
              {"lease", loan.lease},
              {"stage", stage_name(loan.stage)}};
  if (loan.inside_ifindex) object["inside_ifindex"] = loan.inside_ifindex->value;
  if (loan.home) object["home"] = to_json(*loan.home);
  if (loan.pair) {
    object["pair"] = {{"host_name", bytes_to_utf8(loan.pair->host_name)},
                      {"host_address", to_hex(loan.pair->host_address)}};
  }
  return object;
}

Loan loan_from(const json& object) {
  Loan loan{.id = object.at("id").get<std::string>(),
            .inside = text_from_json(object.at("inside")),
            .lease = object.at("lease").get<std::string>(),
            .stage = stage_from_json(object.at("stage")),
            .inside_ifindex = std::nullopt,
            .home = std::nullopt,
            .pair = std::nullopt};
  if (object.contains("inside_ifindex")) {
    loan.inside_ifindex = IfIndex{object.at("inside_ifindex").get<int>()};
  }
  if (object.contains("home")) loan.home = snapshot_from_json(object.at("home"));
  if (object.contains("pair")) {
    const json& pair = object.at("pair");
    loan.pair = MadePair{.host_name = text_from_json(pair.at("host_name")),
                         .host_address = bytes_from_json(pair.at("host_address"))};
  }
  if (loan.home.has_value() == loan.pair.has_value()) {
    throw Error("a loan must have either a snapshot or a pair");
  }
  return loan;
}

json content_of(const Ledger& ledger) {
  json loans = json::array();
  for (const auto& loan : ledger.loans) loans.push_back(to_json(loan));
  json object{{"id", ledger.id.str()},
              {"key", bytes_to_utf8(ledger.key)},
              {"generation", ledger.generation},
              {"created_at_s", ledger.created_at_s},
              {"lender", to_json(ledger.lender)},
              {"home", to_json(ledger.home)},
              {"borrower", to_json(ledger.borrower)},
              {"netns_path", bytes_to_utf8(ledger.netns_path)},
              {"plan", ledger.plan},
              {"loans", loans}};
  for (const auto& sharer : ledger.sharers) {
    object["sharers"].push_back({{"id", sharer.id.str()}, {"key", bytes_to_utf8(sharer.key)}});
  }
  for (const auto& loan : ledger.address_loans) {
    object["address_loans"].push_back(to_json(loan));
  }
  if (!ledger.home_changes.is_empty()) object["home_changes"] = to_json(ledger.home_changes);
  if (ledger.guardian) object["guardian"] = to_json(*ledger.guardian);
  if (ledger.process) object["process"] = to_json(*ledger.process);
  if (ledger.is_left_to_kernel) object["left_to_kernel"] = true;
  if (ledger.pin) object["pin"] = {{"mount_namespace", ledger.pin->mount_namespace}};
  return object;
}

Ledger ledger_from(const std::string& name, const json& object) {
  Ledger ledger;
  ledger.name = name;
  ledger.id = ContainerId{object.at("id").get<std::string>()};
  ledger.key = text_from_json(object.at("key"));
  ledger.generation = object.at("generation").get<std::uint64_t>();
  ledger.created_at_s = object.at("created_at_s").get<std::int64_t>();
  ledger.lender = process_from_json(object.at("lender"));
  ledger.home = netns_from(object.at("home"));
  ledger.borrower = netns_from(object.at("borrower"));
  ledger.netns_path = text_from_json(object.at("netns_path"));
  ledger.plan = object.at("plan").get<std::string>();
  for (const auto& loan : object.at("loans")) ledger.loans.push_back(loan_from(loan));
  for (const auto& loan : object.value("address_loans", json::array())) {
    ledger.address_loans.push_back(address_loan_from_json(loan));
  }
  if (object.contains("home_changes")) {
    ledger.home_changes = home_changes_from_json(object.at("home_changes"));
  }
  for (const auto& sharer : object.value("sharers", json::array())) {
    ledger.sharers.push_back({.id = ContainerId{sharer.at("id").get<std::string>()},
                              .key = text_from_json(sharer.at("key"))});
  }
  if (object.contains("guardian")) ledger.guardian = process_from_json(object.at("guardian"));
  if (object.contains("process")) ledger.process = process_from_json(object.at("process"));
  if (object.contains("left_to_kernel")) {
    ledger.is_left_to_kernel = object.at("left_to_kernel").get<bool>();
  }
  if (object.contains("pin")) {
    ledger.pin =
        Pin{.mount_namespace = object.at("pin").at("mount_namespace").get<std::uint64_t>()};
  }
  return ledger;
}

/// A number with a fraction or an exponent, or beyond 64 bits: netlend writes none, and what
/// becomes of a huge one in an integer is undefined.
bool has_float(const json& value) {
  if (!value.is_structured()) return value.is_number_float();
  return std::any_of(value.begin(), value.end(), has_float);
}

/// Whether `read` has every value of `written`, and as it is there. A "text" is for people.
bool has_all_of(const json& read, const json& written) {
  if (written.is_array()) {
    return read.is_array() &&
           std::equal(read.begin(), read.end(), written.begin(), written.end(), has_all_of);
  }
  if (!written.is_object()) return read == written;
  if (!read.is_object()) return false;
  for (const auto& [key, value] : written.items()) {
    if (key == "text") continue;
    if (!read.contains(key) || !has_all_of(read.at(key), value)) return false;
  }
  return true;
}

Ledger parse_checked(const std::string& name, const std::string& text) {
  check_json(text);
  const json file = json::parse(text);
  if (has_float(file)) throw Error("it holds a number that is not whole or beyond 64 bits");
  const int major = file.at("netlend").get<int>();
  if (major != kMajorVersion) {
    throw Error(
        fmt::format("it is of version {}, this netlend reads version {}; use the netlend "
                    "that wrote it",
                    major, kMajorVersion));
  }
  const json& content = file.at("ledger");
  if (file.at("sha256").get<std::string>() != sha256_hex(content.dump())) {
    throw Error("its checksum doesn't fit its content");
  }
  Ledger ledger = ledger_from(name, content);
  // The library's conversions bend what doesn't fit: 256 into a byte of 0, true into 1.
  if (!has_all_of(content, content_of(ledger))) {
    throw Error("it holds values that netlend doesn't write");
  }
  return ledger;
}
}  // namespace

std::string format_ledger(const Ledger& ledger) {
  const std::string content = content_of(ledger).dump();
  return fmt::format("{{\"ledger\":{},\"netlend\":{},\"sha256\":\"{}\"}}\n", content, kMajorVersion,
                     sha256_hex(content));
}

Ledger parse_ledger(const std::string& name, const std::string& text) {
  const auto broken = [&](std::string_view why) {
    return Error(fmt::format("the ledger '{}' is broken: {}", printable(name), why));
  };
  try {
    return parse_checked(name, text);
  } catch (const json::exception& error) {
    throw broken(printable(error.what()));
  } catch (const Error& error) {
    throw broken(error.what());
  }
}

}  // namespace netlend
