#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci-spec/json.hpp"

/// What several documents of the runtime-spec have in common.
namespace netlend::oci {

using Annotations = std::map<std::string, std::string>;

/// The member `key`, if it has one that isn't null: Go's decoder, which all engines use, takes null
/// for absent, and Go programs write it.
std::optional<JsonNode> find_present(const JsonNode& node, std::string_view key);

/// The string `key`; empty where there is none.
std::string read_text(const JsonNode& node, std::string_view key);

/// The strings of the array `key`; none where there is no array.
std::vector<std::string> read_texts(const JsonNode& node, std::string_view key);

/// The boolean `key`; false where there is none.
bool read_flag(const JsonNode& node, std::string_view key);

/// A path that begins with '/'.
std::string read_absolute_path(const JsonNode& node);

/// Throws Error if one of `keys`, which the spec names, asks for something: it is there, and is
/// neither null nor empty.
void refuse_unsupported(const JsonNode& node, std::initializer_list<std::string_view> keys);

/// `ociVersion`, a SemVer. Throws Error for another major than 1. Source: runtime-spec, config.md,
/// "Specification version".
std::string read_version(const JsonNode& root);

/// `annotations` of this object; nothing where it has none. Throws Error for an empty key or a
/// value that is no string. Source: runtime-spec, config.md, "Annotations".
std::optional<Annotations> read_annotations(const JsonNode& root);

}  // namespace netlend::oci
