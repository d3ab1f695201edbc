#include "cli/arguments.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

namespace netlend::cli {

namespace {
using Words = std::vector<std::string>;

template <typename Arguments>
Arguments parse_as(const Words& words) {
  return std::get<Arguments>(parse_command_line(words).verb);
}

std::string refusal(const Words& words) {
  try {
    parse_command_line(words);
  } catch (const Error& error) {
    BOOST_TEST((error.kind() == ErrorKind::usage));
    return error.what();
  }
  return "nothing was refused";
}
}  // namespace

BOOST_AUTO_TEST_SUITE(arguments)

BOOST_AUTO_TEST_CASE(what_stands_behind_the_two_dashes_is_the_commands) {
  const auto run = parse_as<RunArguments>(
      {"run", "--nic", "eth0=lan0", "--nic", "eth1=veth:", "--", "ls", "--nic", "x", "--", "-l"});
  BOOST_TEST(run.nics == (Words{"eth0=lan0", "eth1=veth:"}), boost::test_tools::per_element());
  BOOST_TEST(run.command == (Words{"ls", "--nic", "x", "--", "-l"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_command_may_have_the_name_of_a_verb) {
  BOOST_TEST(parse_as<RunArguments>({"run", "--", "show"}).command == Words{"show"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(run_without_a_command_says_how_to_write_it) {
  BOOST_TEST(refusal({"run", "--"}) ==
             "run: no command; write 'netlend run [--nic SPEC]... -- COMMAND [ARG]...'");
  BOOST_TEST(
      refusal({"run", "--nic", "eth0=lan0"}) ==
      "run: no command and no ID; write 'netlend run [--nic SPEC]... -- COMMAND [ARG]...' or "
      "'netlend run [--nic SPEC]... [--bundle DIR] ID'");
}

BOOST_AUTO_TEST_CASE(without_the_two_dashes_run_runs_a_bundle) {
  const auto run = parse_as<RunBundleArguments>(
      {"run", "--nic", "eth0=lan0", "-b", "/b", "--detach", "--preserve-fds", "2", "box"});
  BOOST_TEST(run.bundle.id == "box");
  BOOST_TEST(run.bundle.bundle == "/b");
  BOOST_TEST(run.bundle.nics == Words{"eth0=lan0"}, boost::test_tools::per_element());
  BOOST_TEST(run.bundle.preserved_fds == 2U);
  BOOST_TEST(run.detach);
  BOOST_TEST(parse_as<RunBundleArguments>({"run", "box"}).bundle.bundle == ".");
}

BOOST_AUTO_TEST_CASE(a_bundle_and_a_command_have_options_of_their_own) {
  BOOST_TEST(refusal({"run", "--bundle", "/b", "--", "true"}) ==
             "run: --bundle is for a bundle; a command behind '--' needs no bundle");
  BOOST_TEST(refusal({"run", "box", "--", "true"}) ==
             "run: ID is for a bundle; a command behind '--' needs no bundle");
  BOOST_TEST(refusal({"run", "--dns", "192.0.2.1", "box"}) ==
             "run: --dns is for a command behind '--'; a bundle says such things in config.json");
}

BOOST_AUTO_TEST_CASE(a_command_without_the_two_dashes_is_told_of_them) {
  const std::string how =
      "run: more words than an ID; a command stands behind '--': "
      "'netlend run [--nic SPEC]... -- COMMAND [ARG]...'; see 'netlend run --help'";
  BOOST_TEST(refusal({"run", "--nic", "eth0=lan0", "ip", "link"}) == how);
  BOOST_TEST(refusal({"run", "ip", "--nosuch", "link"}) != how);
}

BOOST_AUTO_TEST_CASE(the_verbs_of_the_runtime_are_called_as_engines_call_them) {
  const auto create = parse_as<CreateArguments>(
      {"--root", "/r", "--log", "/l", "--log-format", "json", "create", "--bundle", "/b",
       "--pid-file", "/p", "--console-socket", "/s", "--no-pivot", "--no-new-keyring", "box"});
  BOOST_TEST(create.bundle.id == "box");
  BOOST_TEST(create.bundle.pid_file == "/p");
  BOOST_TEST(create.bundle.console_socket == "/s");
  BOOST_TEST(create.bundle.no_pivot);
  BOOST_TEST(create.bundle.no_new_keyring);
  BOOST_TEST(parse_command_line({"state", "box", "--root", "/r"}).globals.root == "/r");
  BOOST_TEST(parse_as<StartArguments>({"start", "box"}).id == "box");
  const auto kill = parse_as<KillArguments>({"kill", "--all", "box", "9"});
  BOOST_TEST(kill.all);
  BOOST_TEST(kill.signal == "9");
  BOOST_TEST(parse_as<KillArguments>({"kill", "box"}).signal == "TERM");
  BOOST_TEST((parse_as<DeleteArguments>({"delete", "--force", "box"}).force == Force::yes));
  BOOST_TEST((parse_as<ListArguments>({"list", "--format=json"}).format == ListFormat::json));
  BOOST_TEST((parse_as<ListArguments>({"list", "-q"}).format == ListFormat::ids));
}

BOOST_AUTO_TEST_CASE(systemd_as_the_maker_of_cgroups_is_refused_by_a_sentence) {
  BOOST_TEST(refusal({"--systemd-cgroup", "create", "box"}).find("'cgroupfs'") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(global_options_stand_before_or_behind_the_verb) {
  for (const Words& words : {Words{"--debug", "--log", "/tmp/log", "--log-format", "json", "loans"},
                             Words{"loans", "--debug", "--log=/tmp/log", "--log-format=json"}}) {
    const CommandLine line = parse_command_line(words);
    BOOST_TEST(line.globals.debug);
    BOOST_TEST(line.globals.log_path == "/tmp/log");
    BOOST_TEST((line.globals.log_format == LogFormat::json));
    BOOST_TEST(std::holds_alternative<LoansArguments>(line.verb));
  }
}

BOOST_AUTO_TEST_CASE(lend_takes_its_words_quoted_or_not) {
  const auto quoted =
      parse_as<LendArguments>({"lend", "lan0", "--to", "pid:42", "name=eth0 addr=10.0.0.2/24"});
  BOOST_TEST(quoted.device == "lan0");
  BOOST_TEST(quoted.to == "pid:42");
  BOOST_TEST(quoted.words == Words{"name=eth0 addr=10.0.0.2/24"}, boost::test_tools::per_element());
  const auto plain = parse_as<LendArguments>(
      {"lend", "lan0", "name=eth0", "addr=10.0.0.2/24", "--force", "--to", "netns:blue"});
  BOOST_TEST(plain.words == (Words{"name=eth0", "addr=10.0.0.2/24"}),
             boost::test_tools::per_element());
  BOOST_TEST((plain.force == Force::yes));
}

BOOST_AUTO_TEST_CASE(lend_wants_a_device_or_a_plan_and_somebody) {
  BOOST_TEST(refusal({"lend", "--to", "pid:1"}) ==
             "lend: name a DEVICE, an ADDRESS or a plan file; see 'netlend lend --help'");
  const std::string which =
      "lend: name a DEVICE, an ADDRESS or a plan file, not both; see 'netlend lend --help'";
  BOOST_TEST(refusal({"lend", "lan0", "--plan", "f", "--to", "pid:1"}) == which);
  // An empty variable of a script is no option left out.
  BOOST_TEST(refusal({"lend", "lan0", "--plan", "", "--to", "pid:1"}) == which);
  BOOST_TEST(refusal({"lend", "", "--to", "pid:1"}) ==
             "DEVICE: it is empty; see 'netlend lend --help'");
  BOOST_TEST(refusal({"lend", "lan0", "--to", ""}) ==
             "--to: it is empty; see 'netlend lend --help'");
  BOOST_TEST(refusal({"lend", "lan0"}) == "--to is required; see 'netlend lend --help'");
}

BOOST_AUTO_TEST_CASE(a_device_may_have_the_name_of_a_verb) {
  BOOST_TEST(parse_as<LendArguments>({"lend", "show", "--to", "pid:1"}).device == "show");
  BOOST_TEST(parse_as<ReturnArguments>({"return", "reap"}).words == Words{"reap"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_device_may_begin_with_a_dash_behind_two_dashes) {
  BOOST_TEST(parse_as<ReturnArguments>({"return", "--", "-x"}).words == Words{"-x"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(return_takes_several_words_and_may_forget) {
  const auto kept = parse_as<ReturnArguments>({"return", "lan0", "pid:7"});
  BOOST_TEST(kept.words == (Words{"lan0", "pid:7"}), boost::test_tools::per_element());
  BOOST_TEST((kept.leftover == Leftover::keep));
  const auto forgotten = parse_as<ReturnArguments>({"return", "--forget", "lan0"});
  BOOST_TEST((forgotten.leftover == Leftover::forget));
  BOOST_TEST(refusal({"return", ""}) == "WHAT: it is empty; see 'netlend return --help'");
  BOOST_TEST(refusal({"return"}) == "WHAT is required; see 'netlend return --help'");
}

BOOST_AUTO_TEST_CASE(plan_takes_the_words_of_run_and_lend) {
  const auto run = parse_as<PlanArguments>(
      {"plan", "run", "--nic", "eth0=lan0", "--format", "json", "--", "ls", "-l"});
  BOOST_TEST(std::get<RunArguments>(run.of).nics == Words{"eth0=lan0"},
             boost::test_tools::per_element());
  BOOST_TEST((run.format == OutputFormat::json));
  const auto lend =
      parse_as<PlanArguments>({"plan", "--format", "json", "lend", "lan0", "--to", "x"});
  BOOST_TEST(std::get<LendArguments>(lend.of).device == "lan0");
  BOOST_TEST((lend.format == OutputFormat::json));
}

BOOST_AUTO_TEST_CASE(plan_run_needs_no_command) {
  const auto plan = parse_as<PlanArguments>({"plan", "run", "--nic", "eth0=lan0"});
  BOOST_TEST(std::get<RunArguments>(plan.of).command.empty());
}

BOOST_AUTO_TEST_CASE(plan_takes_the_options_of_run_and_lend_too) {
  const auto run = parse_as<PlanArguments>({"plan", "run", "--force", "--nic", "eth0=lan0"});
  BOOST_TEST((std::get<RunArguments>(run.of).force == Force::yes));
  const auto lend = parse_as<PlanArguments>({"plan", "lend", "lan0", "--to", "x", "--force"});
  BOOST_TEST((std::get<LendArguments>(lend.of).force == Force::yes));
  const auto bundle = parse_as<PlanArguments>(
      {"plan", "run", "--nic", "eth0=lan0", "--bundle", "/srv/db", "--detach", "db1"});
  const auto& words = std::get<RunBundleArguments>(bundle.of).bundle;
  BOOST_TEST(words.id == "db1");
  BOOST_TEST(words.bundle == "/srv/db");
  BOOST_TEST(words.nics.size() == 1U);
}

BOOST_AUTO_TEST_CASE(plan_run_of_nothing_is_no_question) {
  BOOST_TEST(refusal({"plan", "run"}).starts_with("plan run: of what? Name a device by --nic"));
  BOOST_TEST(refusal({"plan", "run", "--force"}).starts_with("plan run: of what?"));
  BOOST_TEST(refusal({"plan", "run", "--nic", "eth0=lan0", "--bundle", "/srv"}) ==
             "run: --bundle is for a bundle; name the ID that it would have, too");
}

BOOST_AUTO_TEST_CASE(reap_brings_home_from_the_living_only_if_asked) {
  BOOST_TEST((parse_as<ReapArguments>({"reap"}).scope == ReapScope::dead));
  const auto all = parse_as<ReapArguments>({"reap", "--all", "--yes"});
  BOOST_TEST((all.scope == ReapScope::all));
  BOOST_TEST(all.yes);
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_named_and_escaped) {
  BOOST_TEST(refusal({"shwo"}) == "'shwo' is not a verb; see 'netlend --help'");
  BOOST_TEST(refusal({"plan"}) == "plan: of run or of lend?; see 'netlend plan --help'");
  BOOST_TEST(refusal({"show", "--fromat", "json"}) ==
             "'--fromat' is no option here; see 'netlend show --help'");
  BOOST_TEST(refusal({"show", "ex\ntra"}) ==
             "'ex\\x0atra' is one word too many; see 'netlend show --help'");
  BOOST_TEST(refusal({"show", "--format", "x\ny"}) ==
             "--format: 'x\\x0ay' is neither text nor json; see 'netlend show --help'");
  BOOST_TEST(refusal({}) == "no verb; see 'netlend --help'");
}

BOOST_AUTO_TEST_CASE(run_is_known_even_where_the_rest_is_wrong) {
  BOOST_TEST(is_run({"--log", "lend", "run", "--nonsense"}));
  BOOST_TEST(!is_run({"plan", "run", "--", "run"}));
  BOOST_TEST(!is_run({"--", "run"}));
}

BOOST_AUTO_TEST_CASE(help_fits_a_screen) {
  const auto text = parse_as<TextArguments>({"--help"}).text;
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') <= 24);
}

BOOST_AUTO_TEST_CASE(no_line_of_help_is_wider_than_80_columns) {
  for (const Words& verb :
       {Words{}, Words{"run"}, Words{"create"}, Words{"kill"}, Words{"delete"}, Words{"list"},
        Words{"lend"}, Words{"return"}, Words{"loans"}, Words{"plan"}, Words{"plan", "run"},
        Words{"plan", "lend"}, Words{"show"}, Words{"reap"}, Words{"version"}}) {
    Words words = verb;
    words.emplace_back("--help");
    const auto text = parse_as<TextArguments>(words).text;
    std::size_t start = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
      BOOST_TEST(end - start <= 80U, text.substr(start, end - start));
      start = end + 1;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace netlend::cli
