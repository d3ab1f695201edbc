#include "cli/arguments.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>

#include "base/error.hpp"
#include "cli/options.hpp"

namespace netlend::cli {

namespace {
using Words = std::vector<std::string>;

constexpr std::size_t kReasonMax = 1024;

/// What the options are written to; the verb that was typed copies its part into the command line.
struct Parsed {
  CommandLine line;
  RunArguments run;
  /// Whether there was a `--`.
  bool has_command = false;
  ParsedBundle bundle;
  LendArguments lend;
  ReturnArguments give_back;
  OutputFormat format = OutputFormat::text;
  ReapArguments reap;
  RuleArguments rule;
};

/// Prints the first line of a verb's description in the list of verbs, all of it in its own help,
/// where it ends with the verb's synopsis.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kHelpColumn); }
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return {};
  }
  std::string make_subcommand(const CLI::App* verb) const override {
    std::ostringstream out;
    const std::string description = verb->get_description();
    CLI::detail::format_help(out, verb->get_name(), description.substr(0, description.find('\n')),
                             get_column_width());
    return out.str();
  }
};

void add_format(CLI::App& app, OutputFormat& format) {
  add_choice(app, "--format", format, {"text|json", "how to print it (default: text)"});
}

/// An empty variable of a script, most likely.
std::string refuse_empty(const std::string& word) { return word.empty() ? "it is empty" : ""; }

void add_run_options(CLI::App& verb, RunArguments& arguments) {
  add_optional_text(verb, "--name", arguments.id, {"ID", "the container's ID and host name"});
  add_texts(verb, "--nic", arguments.nics, {"SPEC", "lend this device; may be repeated"});
  add_texts(verb, "--l3", arguments.l3, {"SPEC", "lend these addresses; may be repeated"});
  add_optional_text(verb, "--plan", arguments.plan_path,
                    {"FILE", "lend the devices of a plan file"});
  add_texts(verb, "--show", arguments.shown_paths,
            {"PATH", "leave a covered path visible; may be repeated"});
  add_texts(verb, "--dns", arguments.dns_servers,
            {"IP", "a name server for the command; may be repeated"});
}

void add_lend_options(CLI::App& verb, LendArguments& arguments) {
  verb.add_option("DEVICE", arguments.device, "NAME, dev:, alt:, mac: or pci:, or an IP address")
      ->check(refuse_empty)
      ->option_text(" ");
  verb.add_option("WORDS", arguments.words, "what it is to be inside, see below")->option_text(" ");
  verb.add_option("--to", arguments.to, "who borrows it")
      ->required()
      ->check(refuse_empty)
      ->option_text("WHO");
  add_optional_text(verb, "--plan", arguments.plan_path,
                    {"FILE", "lend the devices of a plan file"});
}

void add_rule_options(CLI::App& verb, RuleArguments& arguments) {
  verb.add_option("DEVICE", arguments.device,
                  "a name, alt:NAME, mac:MAC, pci:ADDRESS, driver:NAME, veth: or an IP address")
      ->required()
      ->option_text(" ");
  add_optional_text(verb, "--to", arguments.to, {"ID", "only for containers of this ID"});
  add_optional_text(verb, "--cgroup", arguments.cgroup,
                    {"PATH", "only for containers in this cgroup"});
  add_optional_text(verb, "--bundle", arguments.bundle,
                    {"DIR", "only for containers with this bundle"});
  add_optional_text(verb, "--inside", arguments.inside, {"NAME", "only as a device of this name"});
  add_texts(verb, "--address", arguments.addresses,
            {"PREFIX", "only with addresses in it, or none; may be repeated"});
  verb.add_flag("--keep-addresses", arguments.keep_addresses,
                "beside --address: also with those that it has here");
  add_optional_text(verb, "--bridge", arguments.bridge,
                    {"NAME", "of veth: also attached to this bridge"});
  verb.add_flag("--host-addresses", arguments.host_addresses,
                "of veth: also with addresses for the host's end");
}

constexpr const char* kRunSynopsis = "netlend run [--nic SPEC]... -- COMMAND [ARG]...";
constexpr const char* kRunBundleSynopsis = "netlend run [--nic SPEC]... [--bundle DIR] ID";

/// With a command behind `--` it is the host's root, without one a bundle.
void take_run(const CLI::App& verb, Parsed& parsed) {
  if (parsed.has_command) {
    if (parsed.run.command.empty()) {
      throw Error::usage(fmt::format("run: no command; write '{}'", kRunSynopsis));
    }
    refuse_bundle_options(verb, "a command behind '--' needs no bundle");
    parsed.line.verb = parsed.run;
    return;
  }
  if (parsed.bundle.bundle.id.empty()) {
    throw Error::usage(fmt::format("run: no command and no ID; write '{}' or '{}'", kRunSynopsis,
                                   kRunBundleSynopsis));
  }
  for (const char* option : {"--name", "--show", "--dns"}) {
    if (verb.get_option(option)->count() == 0) continue;
    throw Error::usage(fmt::format(
        "run: {} is for a command behind '--'; a bundle says such things in config.json", option));
  }
  auto& bundle = parsed.bundle.bundle;
  bundle.nics = parsed.run.nics;
  bundle.l3 = parsed.run.l3;
  bundle.plan_path = parsed.run.plan_path;
  bundle.force = parsed.run.force;
  parsed.line.verb = RunBundleArguments{.bundle = bundle, .detach = parsed.bundle.detach};
}

void check_lend(const LendArguments& arguments) {
  if (arguments.device.empty() == arguments.plan_path.has_value()) return;
  const char* const both = arguments.device.empty() ? "" : ", not both";
  throw Error::usage(fmt::format(
      "lend: name a DEVICE, an ADDRESS or a plan file{}; see 'netlend lend --help'", both));
}

/// `plan` needs neither a command nor a bundle, where it is told what to lend.
void take_planned_run(const CLI::App& verb, Parsed& parsed) {
  PlanArguments plan{.of = parsed.run, .format = parsed.format};
  if (parsed.has_command || !parsed.bundle.bundle.id.empty()) {
    take_run(verb, parsed);
    if (const auto* bundle = std::get_if<RunBundleArguments>(&parsed.line.verb)) plan.of = *bundle;
  } else if (parsed.run.nics.empty() && parsed.run.l3.empty() && !parsed.run.plan_path) {
    throw Error::usage(
        "plan run: of what? Name a device by --nic or --plan, or the ID that a bundle would have");
  } else {
    refuse_bundle_options(verb, "name the ID that it would have, too");
  }
  parsed.line.verb = plan;
}

void add_run_words(CLI::App& verb, Parsed& parsed) {
  add_run_options(verb, parsed.run);
  add_force(verb, parsed.run.force, kForceHelp);
  add_bundle_options(verb, parsed.bundle.bundle);
  verb.add_flag("--detach,-d", parsed.bundle.detach, "of a bundle: don't wait for its end");
  verb.add_option("ID", parsed.bundle.bundle.id, "the container's, of a bundle")->option_text(" ");
}

void add_run(CLI::App& program, Parsed& parsed) {
  CLI::App& verb = add_verb(program, kRunHelp, {});
  verb.final_callback([&verb, &parsed] { take_run(verb, parsed); });
  add_run_words(verb, parsed);
}

void add_lend(CLI::App& program, Parsed& parsed) {
  CLI::App& verb = add_verb(program, kLendHelp, [&parsed] {
    check_lend(parsed.lend);
    parsed.line.verb = parsed.lend;
  });
  add_lend_options(verb, parsed.lend);
  add_force(verb, parsed.lend.force, kForceHelp);
}

void add_plan(CLI::App& program, Parsed& parsed) {
  CLI::App& plan = add_verb(program, kPlanHelp, {});
  plan.require_subcommand(1);
  add_format(plan, parsed.format);
  CLI::App& run = add_verb(plan, kPlanRunHelp, {});
  run.final_callback([&run, &parsed] { take_planned_run(run, parsed); });
  add_run_words(run, parsed);
  CLI::App& lend = add_verb(plan, kPlanLendHelp, [&parsed] {
    check_lend(parsed.lend);
    parsed.line.verb = PlanArguments{.of = parsed.lend, .format = parsed.format};
  });
  add_lend_options(lend, parsed.lend);
  add_force(lend, parsed.lend.force, kForceHelp);
}

void add_return(CLI::App& program, Parsed& parsed) {
  CLI::App& verb =
      add_verb(program, kReturnHelp, [&parsed] { parsed.line.verb = parsed.give_back; });
  verb.add_option("WHAT", parsed.give_back.words, "devices, or who has them, see below")
      ->check(refuse_empty)
      ->required()
      ->option_text(" ");
  verb.add_flag_callback(
      "--forget", [&parsed] { parsed.give_back.leftover = Leftover::forget; },
      "close the loan even if it can't be brought home");
}

void add_reap(CLI::App& program, Parsed& parsed) {
  CLI::App& verb = add_verb(program, kReapHelp, [&parsed] { parsed.line.verb = parsed.reap; });
  verb.add_flag_callback(
      "--all", [&parsed] { parsed.reap.scope = ReapScope::all; },
      "also what the living hold; asks first");
  verb.add_flag("--yes", parsed.reap.yes, "don't ask");
}

/// In the order of the help.
void add_verbs(CLI::App& program, Parsed& parsed) {
  CommandLine& line = parsed.line;
  add_run(program, parsed);
  add_bundle_verbs(program, line, parsed.bundle);
  add_lend(program, parsed);
  add_return(program, parsed);
  CLI::App& loans =
      add_verb(program, kLoansHelp, [&] { line.verb = LoansArguments{parsed.format}; });
  add_format(loans, parsed.format);
  add_plan(program, parsed);
  CLI::App& show = add_verb(program, kShowHelp, [&] { line.verb = ShowArguments{parsed.format}; });
  add_format(show, parsed.format);
  add_reap(program, parsed);
  CLI::App& doctor =
      add_verb(program, kDoctorHelp, [&] { line.verb = DoctorArguments{parsed.format}; });
  add_format(doctor, parsed.format);
  add_rule_options(add_verb(program, kAllowHelp, [&] { line.verb = AllowArguments{parsed.rule}; }),
                   parsed.rule);
  add_rule_options(
      add_verb(program, kDisallowHelp, [&] { line.verb = DisallowArguments{parsed.rule}; }),
      parsed.rule);
  // Among the options it is listed as --version.
  add_verb(program, kVersionHelp, [&] { line.verb = TextArguments{kVersionText}; }).group("");
}

void add_globals(CLI::App& program, Globals& globals) {
  program.set_help_flag("-h,--help", "print this help");
  program.add_flag("--debug", globals.debug, "print every step on stderr");
  add_text(program, "--log", globals.log_path, {"FILE", "append errors and steps to a file"});
  add_choice(program, "--log-format", globals.log_format,
             {"HOW", "how the log is written: text (default) or json"});
  // For engines, and explained in the manual.
  constexpr const char* kHidden = "";
  program.add_option("--root", globals.root)->group(kHidden);
  CLI::Option* systemd = program.add_flag_callback("--systemd-cgroup", [] {
    throw Error::usage(
        "--systemd-cgroup: netlend makes cgroups itself and not by systemd; tell the engine to "
        "use 'cgroupfs' (podman: --cgroup-manager=cgroupfs)");
  });
  systemd->group(kHidden);
  program.footer(kBundleVerbsHelp);
  program.set_version_flag("--version,-v", std::string(kVersion), "print the version");
}

/// The verb, and the one after it (`plan run`): the words that aren't options or their values.
std::vector<std::string_view> verbs_of(const Words& words) {
  constexpr std::array<std::string_view, 4> kWithValue{"--log", "--log-format", "--format",
                                                       "--root"};
  std::vector<std::string_view> verbs;
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (std::find(kWithValue.begin(), kWithValue.end(), words[i]) != kWithValue.end()) {
      ++i;
    } else if (words[i].empty() || words[i].front() != '-') {
      verbs.push_back(words[i]);
    }
  }
  return verbs;
}

/// What stands behind the first `--` of `run` is the command's, whatever it looks like.
Words take_command(Words& words) {
  const auto verbs = verbs_of(words);
  const bool has_command =
      !verbs.empty() &&
      (verbs[0] == "run" || (verbs.size() > 1 && verbs[0] == "plan" && verbs[1] == "run"));
  const auto mark = std::find(words.begin(), words.end(), "--");
  if (!has_command || mark == words.end()) return {};
  Words command(mark + 1, words.end());
  words.erase(mark, words.end());
  return command;
}

/// The verb that the user meant, for the help to read: "netlend plan run".
std::string typed_program(const CLI::App& program) {
  std::string name = program.get_name();
  for (const CLI::App* verb : program.get_subcommands()) name += " " + typed_program(*verb);
  return name;
}
bool is_about_extras(const CLI::ParseError& error) {
  return error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
}

bool is_command_without_dashes(const CLI::ParseError& error, const CLI::App& program) {
  if (!is_about_extras(error)) return false;
  const auto extra = program.remaining(true);
  return program.got_subcommand("run") &&
         std::none_of(extra.begin(), extra.end(), [](auto& word) { return word.starts_with('-'); });
}

/// CLI11's own sentence, but where it speaks of subcommands or in another voice.
std::string reason(const CLI::ParseError& error, const CLI::App& program, const Words& words) {
  const bool has_verb = !program.get_subcommands().empty();
  const auto verbs = verbs_of(words);
  if (has_verb && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
      program.got_subcommand("plan") && program.get_subcommand("plan")->get_subcommands().empty()) {
    return "plan: of run or of lend?";
  }
  if (is_command_without_dashes(error, program)) {
    return fmt::format("run: more words than an ID; a command stands behind '--': '{}'",
                       kRunSynopsis);
  }
  if (has_verb && is_about_extras(error)) {
    const std::string extra = program.remaining(true).front();
    return fmt::format("'{}' is {}", printable(extra, kReasonMax),
                       extra.starts_with('-') ? "no option here" : "one word too many");
  }
  if (has_verb) return printable(error.what(), kReasonMax);
  if (verbs.empty()) return "no verb";
  return fmt::format("'{}' is not a verb", printable(verbs.front()));
}
}  // namespace

bool is_run(const Words& words) {
  const auto verbs = verbs_of(words);
  return !verbs.empty() && verbs.front() == "run";
}

CommandLine parse_command_line(const Words& words) {
  Parsed parsed;
  Words own = words;
  parsed.run.command = take_command(own);
  parsed.has_command = own.size() < words.size();
  CLI::App program(kProgramDescription, "netlend");
  program.formatter(std::make_shared<HelpFormatter>());
  program.require_subcommand(1);
  add_globals(program, parsed.line.globals);
  add_verbs(program, parsed);
  // CLI11 takes its words from the back.
  std::reverse(own.begin(), own.end());
  try {
    program.parse(own);
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    program.exit(asked, text, text);
    // Where CLI11 has nothing to say it leaves lines empty.
    const auto tidy = CLI::detail::find_and_replace(text.str(), "\n\n\n", "\n\n");
    parsed.line.verb = TextArguments{tidy.substr(0, tidy.find_last_not_of('\n') + 1) + "\n"};
  } catch (const CLI::ParseError& error) {
    throw Error::usage(
        fmt::format("{}; see '{} --help'", reason(error, program, words), typed_program(program)));
  }
  return parsed.line;
}

}  // namespace netlend::cli
