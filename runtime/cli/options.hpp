#pragma once

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/arguments.hpp"
#include "cli/help.hpp"

/// The kinds of options that the verbs have, on CLI11.
namespace netlend::cli {

/// An option that takes one of two words: the first of Value is the default's, `text`.
template <typename Value>
void add_choice(CLI::App& app, const std::string& name, Value& value, const HelpLine& help) {
  app.add_option_function<std::string>(
         name,
         [&value, name](const std::string& word) {
           if (word != "text" && word != "json") {
             throw CLI::ValidationError(
                 name, fmt::format("'{}' is neither text nor json", printable(word)));
           }
           value = word == "json" ? Value::json : Value::text;
         },
         help.text)
      ->option_text(help.value);
}

void add_text(CLI::App& app, const std::string& name, std::string& value, const HelpLine& help);

/// An option whose absence means something: what is empty is not taken for absent, as std::optional
/// is by CLI11.
void add_optional_text(CLI::App& app, const std::string& name, std::optional<std::string>& value,
                       const HelpLine& help);

/// An option that may be there several times, with one value each.
void add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& values,
               const HelpLine& help);

void add_force(CLI::App& app, Force& force, const char* help);

/// A word that has to be there.
void add_word(CLI::App& app, const std::string& name, std::string& value, const char* help);

CLI::App& add_verb(CLI::App& parent, const VerbHelp& help, std::function<void()> typed);

/// What the verbs of containers with bundles write to; the verb that was typed copies its part into
/// the command line.
struct ParsedBundle {
  BundleArguments bundle;
  bool detach = false;
  KillArguments kill;
  DeleteArguments remove;
  ListArguments list;
  InjectArguments inject;
  std::string id;
};

/// The options of `create`, which `run` has too.
void add_bundle_options(CLI::App& verb, BundleArguments& arguments);
/// Throws Error (usage) if one of them was typed.
void refuse_bundle_options(const CLI::App& verb, const std::string& why);

/// create, start, state, kill, delete, list and inject.
void add_bundle_verbs(CLI::App& program, CommandLine& line, ParsedBundle& parsed);

}  // namespace netlend::cli
