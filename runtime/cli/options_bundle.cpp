#include <array>
#include <utility>

#include "base/error.hpp"
#include "cli/options.hpp"

namespace netlend::cli {

namespace {
// Those of `run` that a command behind `--` has no use for.
constexpr std::array kBundleOptions{
    "--bundle",         "--pid-file",     "--console-socket", "--no-pivot",
    "--no-new-keyring", "--preserve-fds", "--detach",         "ID"};

/// One that engines call, and that the list of verbs has in one line with the others.
CLI::App& add_engine_verb(CLI::App& program, const VerbHelp& help, std::function<void()> typed) {
  CLI::App& verb = add_verb(program, help, std::move(typed));
  verb.group("");
  return verb;
}

void add_create(CLI::App& program, CommandLine& line, BundleArguments& arguments) {
  CLI::App& verb = add_engine_verb(program, kCreateHelp,
                                   [&] { line.verb = CreateArguments{.bundle = arguments}; });
  add_texts(verb, "--nic", arguments.nics, {"SPEC", "lend this device; may be repeated"});
  add_texts(verb, "--l3", arguments.l3, {"SPEC", "lend these addresses; may be repeated"});
  add_optional_text(verb, "--plan", arguments.plan_path,
                    {"FILE", "lend the devices of a plan file"});
  add_force(verb, arguments.force, kForceHelp);
  add_bundle_options(verb, arguments);
  add_word(verb, "ID", arguments.id, "the container's");
}

void add_inject(CLI::App& program, CommandLine& line, InjectArguments& arguments) {
  CLI::App& verb = add_engine_verb(program, kInjectHelp, [&] { line.verb = arguments; });
  add_text(verb, "--bundle,-b", arguments.bundle, {"DIR", "its folder (default: .)"});
  add_word(verb, "ID", arguments.id, "what the container will be called");
}

void add_kill(CLI::App& program, CommandLine& line, KillArguments& arguments) {
  CLI::App& verb = add_engine_verb(program, kKillHelp, [&] { line.verb = arguments; });
  verb.add_flag("--all,-a", arguments.all, "to all of its processes");
  add_word(verb, "ID", arguments.id, "the container's");
  verb.add_option("SIGNAL", arguments.signal, "a number or a name (default: TERM)")
      ->option_text(" ");
}

void add_delete(CLI::App& program, CommandLine& line, DeleteArguments& arguments) {
  CLI::App& verb = add_engine_verb(program, kDeleteHelp, [&] { line.verb = arguments; });
  verb.add_flag_callback(
      "--force,-f", [&arguments] { arguments.force = Force::yes; },
      "kill it first; no container of that ID is success");
  add_word(verb, "ID", arguments.id, "the container's");
}

void add_list(CLI::App& program, CommandLine& line, ListArguments& arguments) {
  CLI::App& verb = add_engine_verb(program, kListHelp, [&] { line.verb = arguments; });
  verb.add_option_function<std::string>(
          "--format,-f",
          [&arguments](const std::string& word) {
            if (word != "table" && word != "json") {
              throw CLI::ValidationError(
                  "--format", fmt::format("'{}' is neither table nor json", printable(word)));
            }
            if (word == "json") arguments.format = ListFormat::json;
          },
          "how to print it (default: table)")
      ->option_text("table|json");
  verb.add_flag_callback(
      "--quiet,-q", [&arguments] { arguments.format = ListFormat::ids; }, "only the IDs");
}
}  // namespace

void add_bundle_options(CLI::App& verb, BundleArguments& arguments) {
  add_text(verb, "--bundle,-b", arguments.bundle, {"DIR", "of a bundle: its folder (default: .)"});
  add_text(verb, "--pid-file", arguments.pid_file, {"FILE", "of a bundle: write its pid there"});
  add_text(verb, "--console-socket", arguments.console_socket,
           {"PATH", "of a bundle: send its terminal there"});
  verb.add_flag("--no-pivot", arguments.no_pivot, "of a bundle: don't use pivot_root(2)");
  verb.add_flag("--no-new-keyring", arguments.no_new_keyring,
                "of a bundle: leave it the caller's session keyring");
  verb.add_option("--preserve-fds", arguments.preserved_fds,
                  "of a bundle: pass on descriptors 3 to 2+N")
      ->option_text("N");
}

void refuse_bundle_options(const CLI::App& verb, const std::string& why) {
  for (const char* option : kBundleOptions) {
    if (verb.get_option(option)->count() == 0) continue;
    throw Error::usage(fmt::format("run: {} is for a bundle; {}", option, why));
  }
}

void add_bundle_verbs(CLI::App& program, CommandLine& line, ParsedBundle& parsed) {
  add_create(program, line, parsed.bundle);
  add_word(add_engine_verb(program, kStartHelp, [&] { line.verb = StartArguments{parsed.id}; }),
           "ID", parsed.id, "the container's");
  add_word(add_engine_verb(program, kStateHelp, [&] { line.verb = StateArguments{parsed.id}; }),
           "ID", parsed.id, "the container's");
  add_kill(program, line, parsed.kill);
  add_delete(program, line, parsed.remove);
  add_list(program, line, parsed.list);
  add_inject(program, line, parsed.inject);
}

}  // namespace netlend::cli
