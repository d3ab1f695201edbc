#include "net/ledger/ledger.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// A thousand routes are some hundred KiB.
constexpr std::size_t kLedgerMaxBytes = std::size_t{16} * 1024 * 1024;
constexpr std::size_t kHashDigits = 8;
constexpr std::string_view kCopySuffix = ".copy";

/// A file of its own, which what happens to the other doesn't happen to.
std::string copy_of(const std::string& name) { return fmt::format(".{}{}", name, kCopySuffix); }

bool is_there(const StateDirectory& state, const std::string& file) {
  return ::faccessat(state.ledgers(), file.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/// What is open by this file: what begins with a dot is a lock, half written or a copy. A copy
/// without its ledger is that of one which was removed by somebody else than us.
std::optional<std::string> ledger_name_of(const std::string& file) {
  if (file.front() != '.') return file;
  if (!file.ends_with(kCopySuffix)) return std::nullopt;
  return file.substr(1, file.size() - 1 - kCopySuffix.size());
}

/// What its file says; nothing where there is none. Throws Error, without an errno where the file
/// could be read and is broken.
std::optional<Ledger> load_file(const StateDirectory& state, const std::string& name,
                                const std::string& file) {
  const auto text = read_file_if_exists(state.ledgers(), file, kLedgerMaxBytes);
  if (!text) return std::nullopt;
  return parse_ledger(name, *text);
}

struct Loaded {
  std::optional<Ledger> ledger;
  /// Why it is the copy's; empty: it isn't.
  std::string damage;
};

Loaded load(const StateDirectory& state, const std::string& name) {
  Loaded loaded{.ledger = std::nullopt,
                .damage = fmt::format("the file of the ledger '{}' is gone", printable(name))};
  try {
    if (auto ledger = load_file(state, name, name)) return {*std::move(ledger), ""};
  } catch (const Error& error) {
    // Who couldn't read it has learnt nothing of it.
    if (error.errno_value() != 0) throw;
    loaded.damage = error.what();
  }
  try {
    loaded.ledger = load_file(state, name, copy_of(name));
  } catch (const Error& error) {
    if (error.errno_value() != 0) throw;
  }
  if (loaded.ledger || !is_open(state, name)) return loaded;
  throw Error(
      fmt::format("{}, and no copy of it is whole; 'netlend return --forget {}' brings home as it "
                  "is now what its borrower's namespace still has, and gives up the rest",
                  loaded.damage, printable(name)));
}

/// The ledger's own name is never without a file: whoever waits beside it would go.
void put_aside(const StateDirectory& state, const std::string& name) {
  const std::string aside = "damaged-" + name;
  remove_file(state.root(), aside);
  if (::linkat(state.ledgers(), name.c_str(), state.root(), aside.c_str(), 0) == -1 &&
      errno != ENOENT) {
    throw_errno(errno, "put aside", name);
  }
}
}  // namespace

const std::string& Loan::home_name() const { return pair ? pair->host_name : home->link.name; }

bool Ledger::is_ready() const {
  const auto is_ready = [](const auto& loan) { return loan.stage == Stage::ready; };
  return std::all_of(loans.begin(), loans.end(), is_ready) &&
         std::all_of(address_loans.begin(), address_loans.end(), is_ready);
}

std::string ledger_stem(const ContainerId& id, std::string_view key) {
  return fmt::format("{}-{}", id.str(), sha256_hex(key).substr(0, kHashDigits));
}

std::vector<std::string> list_ledgers(const StateDirectory& state) {
  std::set<std::string> open;
  for (const auto& file : list_names(state.ledgers())) {
    if (auto name = ledger_name_of(file)) open.insert(*std::move(name));
  }
  std::vector<std::string> names(open.begin(), open.end());
  const auto split = [](const std::string& name) {
    const auto dash = name.rfind('-');
    const auto generation = dash == std::string::npos
                                ? std::nullopt
                                : parse_number(std::string_view(name).substr(dash + 1), UINT64_MAX);
    return std::pair{name.substr(0, dash), generation.value_or(0)};
  };
  std::sort(names.begin(), names.end(),
            [&](const auto& left, const auto& right) { return split(left) < split(right); });
  return names;
}

bool is_open(const StateDirectory& state, const std::string& name) {
  return is_there(state, name) || is_there(state, copy_of(name));
}

std::optional<Ledger> load_ledger(const StateDirectory& state, const std::string& name) {
  return load(state, name).ledger;
}

std::optional<Ledger> load_and_mend_ledger(const StateDirectory& state, const std::string& name,
                                           const std::function<void(std::string_view)>& on_note) {
  Loaded loaded = load(state, name);
  if (loaded.damage.empty() || !loaded.ledger) return std::move(loaded.ledger);
  Failures no_disk;  // The way home needs none: the next who loads it tries again.
  const bool is_mended = attempt(no_disk, [&] {
    put_aside(state, name);
    replace_file(state.ledgers(), name, format_ledger(*loaded.ledger));
  });
  if (on_note) {
    on_note(fmt::format("{}; nothing is lost, its copy serves{}", loaded.damage,
                        is_mended ? " and is in its place now" : ""));
  }
  return std::move(loaded.ledger);
}

void save_ledger(const StateDirectory& state, const Ledger& ledger) {
  const std::string text = format_ledger(ledger);
  replace_file(state.ledgers(), ledger.name, text);
  // After it, and at no cost to speak of: it is read only where the file beside it is not whole.
  overwrite_file(state.ledgers(), copy_of(ledger.name), text);
}

void close_ledger(const StateDirectory& state, const std::string& name) {
  remove_file(state.ledgers(), "." + name + ".new");
  // A copy alone would open it again.
  remove_file(state.ledgers(), copy_of(name));
  remove_file(state.ledgers(), name);
}

void abandon_ledger(const StateDirectory& state, const std::string& name) {
  put_aside(state, name);
  close_ledger(state, name);
}

std::vector<std::string> leases_of(const Ledger& ledger) {
  std::vector<std::string> leases;
  for (const auto& loan : ledger.loans) {
    if (!loan.lease.empty()) leases.push_back(loan.lease);
  }
  for (const auto& loan : ledger.address_loans) {
    for (const auto& lent : loan.addresses) {
      leases.push_back(address_lease(lent.home.address(), loan.ports, ledger.home));
    }
  }
  return leases;
}

Liveness borrower_liveness(const Ledger& ledger) {
  if (ledger.process) return liveness(*ledger.process);
  try {
    return Netns::open(ledger.netns_path).identity() == ledger.borrower ? Liveness::alive
                                                                        : Liveness::dead;
  } catch (const Error&) {
    // The path is gone, or shows something else: nobody can enter by it any more.
    return Liveness::dead;
  }
}

}  // namespace netlend
