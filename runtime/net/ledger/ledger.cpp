#include "net/ledger/ledger.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// A thousand routes are some hundred KiB.
constexpr std::size_t kLedgerMaxBytes = std::size_t{16} * 1024 * 1024;
constexpr std::size_t kHashDigits = 8;
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
  std::vector<std::string> names = list_names(state.ledgers());
  // Locks and half-written files begin with a dot.
  names.erase(std::remove_if(names.begin(), names.end(),
                             [](const auto& name) { return name.front() == '.'; }),
              names.end());
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
  return ::faccessat(state.ledgers(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<Ledger> load_ledger(const StateDirectory& state, const std::string& name) {
  const auto text = read_file_if_exists(state.ledgers(), name, kLedgerMaxBytes);
  if (!text) return std::nullopt;
  return parse_ledger(name, *text);
}

void save_ledger(const StateDirectory& state, const Ledger& ledger) {
  replace_file(state.ledgers(), ledger.name, format_ledger(ledger));
}

void close_ledger(const StateDirectory& state, const std::string& name) {
  remove_file(state.ledgers(), "." + name + ".new");
  remove_file(state.ledgers(), name);
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
