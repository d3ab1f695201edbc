#include "cli/options.hpp"

#include <utility>

namespace netlend::cli {

void add_text(CLI::App& app, const std::string& name, std::string& value, const HelpLine& help) {
  app.add_option(name, value, help.text)->option_text(help.value);
}

void add_optional_text(CLI::App& app, const std::string& name, std::optional<std::string>& value,
                       const HelpLine& help) {
  app.add_option_function<std::string>(
         name, [&value](const std::string& text) { value = text; }, help.text)
      ->option_text(help.value);
}

void add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& values,
               const HelpLine& help) {
  app.add_option(name, values, help.text)->allow_extra_args(false)->option_text(help.value);
}

void add_force(CLI::App& app, Force& force, const char* help) {
  app.add_flag_callback(
      "--force", [&force] { force = Force::yes; }, help);
}

void add_word(CLI::App& app, const std::string& name, std::string& value, const char* help) {
  app.add_option(name, value, help)->required()->option_text(" ");
}

CLI::App& add_verb(CLI::App& parent, const VerbHelp& help, std::function<void()> typed) {
  CLI::App& verb = *parent.add_subcommand(help.name, help.description);
  verb.group("Verbs");
  verb.fallthrough();
  verb.footer(help.footer);
  verb.final_callback(std::move(typed));
  return verb;
}

}  // namespace netlend::cli
