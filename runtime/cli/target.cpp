#include "cli/target.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "lifecycle/container_store.hpp"

namespace netlend::cli {

namespace {
constexpr std::string_view kPid = "pid:";
constexpr std::string_view kNetns = "netns:";
constexpr std::string_view kNamedNetnsFolder = "/run/netns/";
// PID_MAX_LIMIT of 64-bit machines, include/linux/threads.h.
constexpr std::uint64_t kPidMax = 4'194'304;

Target parse_pid(std::string_view text) {
  const auto pid = parse_number(text, kPidMax);
  if (!pid || *pid == 0) {
    throw Error::usage(fmt::format("--to pid:{}: not a process id", printable(text)));
  }
  return ProcessTarget{static_cast<pid_t>(*pid)};
}

/// The process of "/proc/N/ns/net".
std::optional<Target> process_of_path(std::string_view path) {
  constexpr std::string_view kProc = "/proc/";
  constexpr std::string_view kNet = "/ns/net";
  if (!path.starts_with(kProc) || !path.ends_with(kNet)) return std::nullopt;
  path.remove_prefix(kProc.size());
  path.remove_suffix(std::min(kNet.size(), path.size()));
  return parse_number(path, kPidMax) ? std::optional{parse_pid(path)} : std::nullopt;
}

Target parse_netns(std::string_view text) {
  if (auto process = process_of_path(text)) return *process;
  if (!text.empty() && text.front() == '/') return PathTarget{std::string(text)};
  if (text.empty() || text == "." || text == ".." || text.find('/') != std::string_view::npos) {
    throw Error::usage(fmt::format(
        "--to netns:{}: neither the name of a namespace in /run/netns nor an absolute path",
        printable(text)));
  }
  return PathTarget{std::string(kNamedNetnsFolder).append(text)};
}

/// The last component of a path as an id: what an id can't have becomes '_'.
ContainerId id_of_path(const std::string& path) {
  std::string id = path.substr(path.rfind('/') + 1);
  std::replace_if(
      id.begin(), id.end(), [](char c) { return !ContainerId::is_allowed(c); }, '_');
  if (id.empty() || id.front() == '.') id.insert(0, "_");
  return ContainerId{id.substr(0, ContainerId::kLengthMax)};
}

std::string process_path(pid_t pid) { return fmt::format("/proc/{}/ns/net", pid); }

std::string key_of(const std::string& path, std::vector<std::string> inside) {
  std::sort(inside.begin(), inside.end());
  std::string key = path + ":";
  for (const auto& name : inside) key += name + " ";
  return key;
}

std::string key_of(const std::string& path, const Plan& plan) {
  std::vector<std::string> inside;
  for (const auto& nic : plan.nics) inside.push_back(nic.inside.str());
  for (const auto& lent : plan.addresses) inside.push_back(lent.inside.str());
  return key_of(path, std::move(inside));
}

Borrower borrow_by_pid(pid_t pid, ContainerId id, const Plan& plan) {
  ProcessIdentity process = identify_process(pid);
  Netns netns = Netns::of_process(pid);
  // Read first and the same still: the pid was its own in between.
  if (liveness(process) != Liveness::alive) {
    throw Error(fmt::format("process {} ended while netlend looked at it", pid));
  }
  return {.id = std::move(id),
          .key = key_of(process_path(pid), plan),
          .netns = std::move(netns),
          .process = std::move(process),
          .netns_path = {}};
}

Borrower borrow_by_path(const std::string& path, ContainerId id, const Plan& plan) {
  return {.id = std::move(id),
          .key = key_of(path, plan),
          .netns = Netns::open(path),
          .process = {},
          .netns_path = path};
}

Ledger ledger_of_container(const StateDirectory& state, const ContainerId& id) {
  std::optional<Ledger> found;
  for (const auto& name : ledgers_of(state, id)) {
    auto ledger = load_ledger(state, name);
    if (!ledger || borrower_liveness(*ledger) != Liveness::alive) continue;
    if (found && found->borrower != ledger->borrower) {
      throw Error(fmt::format(
          "several containers are called '{}'; name the one that is meant by --to pid:N",
          id.str()));
    }
    found = std::move(ledger);
  }
  if (!found) {
    throw Error(
        fmt::format("'{}' is no container that netlend runs or has lent to; name it by "
                    "--to pid:N or --to netns:NAME-OR-PATH",
                    id.str()));
  }
  return *std::move(found);
}

/// The id that begins with `word`, if one alone does and none is just that; else `word`.
ContainerId complete_id(const StateDirectory& state, const ContainerStore& containers,
                        const ContainerId& word) {
  std::set<ContainerId> known;
  for (const auto& id : containers.ids()) known.insert(id);
  for (const auto& name : list_ledgers(state)) {
    Failures broken;  // `netlend loans` says so.
    attempt(broken, [&] {
      if (const auto ledger = load_ledger(state, name)) known.insert(ledger->id);
    });
  }
  std::erase_if(known, [&](const auto& id) { return !id.str().starts_with(word.str()); });
  if (known.empty() || known.count(word) != 0) return word;
  if (known.size() == 1) return *known.begin();
  std::string all;
  for (const auto& id : known) all += fmt::format("{}'{}'", all.empty() ? "" : ", ", id.str());
  throw Error(fmt::format("'{}' is ambiguous: it is how {} begin", word.str(), all));
}

Borrower borrow_by_id(const StateDirectory& state, const ContainerStore& containers,
                      const ContainerId& word, const Plan& plan) {
  const auto id = complete_id(state, containers, word);
  if (const auto init = find_container(containers, id)) return borrow_by_pid(init->pid, id, plan);
  const Ledger ledger = ledger_of_container(state, id);
  Borrower borrower = ledger.process ? borrow_by_pid(ledger.process->pid, id, plan)
                                     : borrow_by_path(ledger.netns_path, id, plan);
  if (borrower.netns.identity() != ledger.borrower) {
    throw Error(
        fmt::format("container '{}' has entered another network namespace since netlend "
                    "lent to it; name the one that is meant by --to netns:PATH",
                    id.str()));
  }
  return borrower;
}
}  // namespace

Target parse_target(std::string_view text) {
  if (text.substr(0, kPid.size()) == kPid) return parse_pid(text.substr(kPid.size()));
  if (text.substr(0, kNetns.size()) == kNetns) return parse_netns(text.substr(kNetns.size()));
  return ContainerId{text};
}

Borrower find_borrower(const StateDirectory& state, const ContainerStore& containers,
                       const Target& target, const Plan& plan) {
  Borrower borrower = [&] {
    if (const auto* process = std::get_if<ProcessTarget>(&target)) {
      return borrow_by_pid(process->pid, ContainerId{fmt::format("pid-{}", process->pid)}, plan);
    }
    if (const auto* path = std::get_if<PathTarget>(&target)) {
      return borrow_by_path(path->path, id_of_path(path->path), plan);
    }
    return borrow_by_id(state, containers, std::get<ContainerId>(target), plan);
  }();
  if (borrower.netns.identity() == Netns::current().identity()) {
    throw Error(fmt::format(
        "{} is in this network namespace itself; there is nothing to lend to it",
        borrower.process ? fmt::format("process {}", borrower.process->pid) : borrower.netns_path));
  }
  if (!borrower.netns_path.empty() && !is_mount_point(borrower.netns_path, Symlink::followed)) {
    throw Error(fmt::format(
        "'{}' shows a network namespace only while a process is in it; name the process by --to "
        "pid:N",
        printable(borrower.netns_path)));
  }
  return borrower;
}

bool is_by_hand(const Ledger& ledger) {
  std::vector<std::string> inside;
  for (const auto& loan : ledger.loans) inside.push_back(loan.inside);
  for (const auto& loan : ledger.address_loans) inside.push_back(loan.inside);
  const std::string path = ledger.process ? process_path(ledger.process->pid) : ledger.netns_path;
  return ledger.key == key_of(path, std::move(inside));
}

}  // namespace netlend::cli
