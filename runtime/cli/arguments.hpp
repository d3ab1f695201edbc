#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "net/lending.hpp"

/// What the user typed, as values. CLI11 stays in arguments.cpp.
namespace netlend::cli {

enum class OutputFormat { text, json };

/// Options that every verb takes, before or after it.
struct Globals {
  bool debug = false;
  /// Empty: no log.
  std::string log_path;
  LogFormat log_format = LogFormat::text;
  /// Where containers are known by their ids; empty: in the state folder.
  std::string root;
};

struct RunArguments {
  /// Absent: one is made up.
  std::optional<std::string> id;
  std::vector<std::string> nics;
  std::vector<std::string> l3;
  std::optional<std::string> plan_path;
  std::vector<std::string> shown_paths;
  std::vector<std::string> dns_servers;
  Force force = Force::no;
  std::vector<std::string> command;
};

/// What `create` and `run` make a container from.
struct BundleArguments {
  std::string id;
  std::string bundle = ".";
  std::vector<std::string> nics;
  std::vector<std::string> l3;
  std::optional<std::string> plan_path;
  Force force = Force::no;
  std::string pid_file;
  std::string console_socket;
  bool no_pivot = false;
  bool no_new_keyring = false;
  /// Descriptors from 3 on.
  unsigned preserved_fds = 0;
};

struct CreateArguments {
  BundleArguments bundle;
};

/// `run` without a `--`.
struct RunBundleArguments {
  BundleArguments bundle;
  bool detach = false;
};

struct StartArguments {
  std::string id;
};

struct StateArguments {
  std::string id;
};

struct KillArguments {
  std::string id;
  std::string signal = "TERM";
  bool all = false;
};

struct DeleteArguments {
  std::string id;
  Force force = Force::no;
};

enum class ListFormat { table, json, ids };

struct ListArguments {
  ListFormat format = ListFormat::table;
};

struct InjectArguments {
  std::string id;
  std::string bundle = ".";
};

struct LendArguments {
  /// Or an address; empty where a plan file names them.
  std::string device;
  std::string to;
  std::vector<std::string> words;
  std::optional<std::string> plan_path;
  Force force = Force::no;
};

struct ReturnArguments {
  std::vector<std::string> words;
  Leftover leftover = Leftover::keep;
};

struct LoansArguments {
  OutputFormat format = OutputFormat::text;
};

struct PlanArguments {
  std::variant<RunArguments, RunBundleArguments, LendArguments> of;
  OutputFormat format = OutputFormat::text;
};

struct ShowArguments {
  OutputFormat format = OutputFormat::text;
};

struct DoctorArguments {
  OutputFormat format = OutputFormat::text;
};

struct ReapArguments {
  ReapScope scope = ReapScope::dead;
  /// Don't ask.
  bool yes = false;
};

/// A rule for annotations, in the words of the user.
struct RuleArguments {
  /// A glob, or `veth:` with the host end's name as a glob behind it or not.
  std::string device;
  std::optional<std::string> to;
  std::optional<std::string> cgroup;
  std::optional<std::string> bundle;
  std::optional<std::string> inside;
  std::vector<std::string> addresses;
  bool keep_addresses = false;
  std::optional<std::string> bridge;
  bool host_addresses = false;
};

struct AllowArguments {
  RuleArguments rule;
};

struct DisallowArguments {
  RuleArguments rule;
};

/// --help, --version and the verb `version`: nothing but a text to print.
struct TextArguments {
  std::string text;
};

struct CommandLine {
  Globals globals;
  std::variant<TextArguments, RunArguments, CreateArguments, RunBundleArguments, StartArguments,
               StateArguments, KillArguments, DeleteArguments, ListArguments, InjectArguments,
               LendArguments, ReturnArguments, LoansArguments, PlanArguments, ShowArguments,
               DoctorArguments, ReapArguments, AllowArguments, DisallowArguments>
      verb;
};

/// True for `netlend run`, also where the rest can't be parsed: its failures have exit codes of
/// their own. `words` is argv without the program's name.
bool is_run(const std::vector<std::string>& words);

/// Throws Error (usage) that names the option and the help to read.
CommandLine parse_command_line(const std::vector<std::string>& words);

}  // namespace netlend::cli
