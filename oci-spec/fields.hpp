#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "oci-spec/json.hpp"

/// What several documents of the runtime-spec have in common.
namespace netlend::oci {

using Annotations = std::map<std::string, std::string>;

/// The member `key`, if it has one that isn't null: Go's decoder, which all engines use, takes null
/// for absent, and Go programs write it.
std::optional<JsonNode> find_present(const JsonNode& node, std::string_view key);

/// `ociVersion`, a SemVer. Throws Error for another major than 1.
std::string read_version(const JsonNode& root);

/// `annotations` of this object; nothing where it has none. Throws Error for an empty key or a
/// value that is no string. Source: runtime-spec, config.md, "Annotations".
std::optional<Annotations> read_annotations(const JsonNode& root);

}  // namespace netlend::oci
