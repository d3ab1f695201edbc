#pragma once

#include <nlohmann/json_fwd.hpp>

#include "net/ledger/address_loan.hpp"

namespace netlend {

/// Throws Error for an unknown one.
Stage stage_from_json(const nlohmann::json& value);

nlohmann::json to_json(const AddressLoan& loan);
nlohmann::json to_json(const HomeChanges& changes);

/// The reverse. Throw Error or nlohmann::json::exception for what to_json() doesn't write.
AddressLoan address_loan_from_json(const nlohmann::json& object);
HomeChanges home_changes_from_json(const nlohmann::json& object);

}  // namespace netlend
