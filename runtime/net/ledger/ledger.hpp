#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/container_id.hpp"
#include "base/process.hpp"
#include "net/kernel/identity.hpp"
#include "net/kernel/netns.hpp"
#include "net/ledger/address_loan.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/plan/plan.hpp"
#include "net/snapshot/mark.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

std::string_view stage_name(Stage stage);

/// A veth pair made for the borrower: its end at home is recognised by name and address.
struct MadePair {
  std::string host_name;
  std::string host_address;  // raw bytes
  bool operator==(const MadePair&) const = default;
};

/// One device that is away.
struct Loan {
  /// 16 hex digits.
  std::string id;
  /// Its name inside, as planned.
  std::string inside;
  /// The file in devices/ that keeps others away; empty for a made pair, which nobody else can
  /// want.
  std::string lease;
  Stage stage = Stage::intent;
  /// Its index in the borrower; absent until it was there.
  std::optional<IfIndex> inside_ifindex;
  /// A device of home's, as it was there ...
  std::optional<DeviceSnapshot> home;
  /// ... or a made pair.
  std::optional<MadePair> pair;

  std::string mark() const { return make_mark(id); }
  /// Its name at home.
  const std::string& home_name() const;
  bool operator==(const Loan&) const = default;
};

/// A bind mount of the borrower's namespace under pins/ or staging/.
struct Pin {
  /// The mount namespace that it was made in.
  std::uint64_t mount_namespace = 0;
  bool operator==(const Pin&) const = default;
};

/// Another container of the same pod, which asked for the very same in the same namespace.
struct Sharer {
  ContainerId id{"none"};
  std::string key;
  bool operator==(const Sharer&) const = default;
};

/// The loans of one container, written before each change of the kernel.
struct Ledger {
  /// "ID-HASH-GENERATION", its file's name.
  std::string name;
  ContainerId id{"none"};
  /// What the hash is of: the bundle, or the path of the namespace.
  std::string key;
  /// Milliseconds of uptime: no two of one key have the same, and a later one has more.
  std::uint64_t generation = 0;
  /// Seconds of the wall clock, for people.
  std::int64_t created_at_s = 0;
  ProcessIdentity lender;
  /// Who stays with the borrower where the lender doesn't.
  std::optional<ProcessIdentity> guardian;
  NetnsIdentity home;
  NetnsIdentity borrower;
  std::optional<ProcessIdentity> process;
  std::string netns_path;
  std::optional<Pin> pin;
  /// Its devices came by linux.netDevices: the borrower's namespace is not pinned, and they stay
  /// there until it ends. What the kernel then brings to the first namespace is put right.
  bool is_left_to_kernel = false;
  /// The text of the plan file that says the same.
  std::string plan;
  std::vector<Loan> loans;
  std::vector<AddressLoan> address_loans;
  /// What the loans of addresses needed to change at home.
  HomeChanges home_changes;
  std::vector<Sharer> sharers;

  bool is_ready() const;
  bool operator==(const Ledger&) const = default;
};

/// `ID-HASH`, the name without the generation.
std::string ledger_stem(const ContainerId& id, std::string_view key);

/// A ledger's file: JSON with `"netlend": 1` and a checksum.
std::string format_ledger(const Ledger& ledger);
/// Throws Error that says what is broken: no JSON, another major version, a wrong checksum.
Ledger parse_ledger(const std::string& name, const std::string& text);

/// The names of all open ledgers, oldest generation first.
std::vector<std::string> list_ledgers(const StateDirectory& state);
/// Whether it is there, be it damaged.
bool is_open(const StateDirectory& state, const std::string& name);
/// Nothing if it has been closed. What the copy says where the file is damaged, or was removed by
/// another hand than close_ledger(). Throws Error where both are broken.
std::optional<Ledger> load_ledger(const StateDirectory& state, const std::string& name);
/// The same for whoever holds its lock: what is damaged is put aside, as "damaged-NAME" in the
/// state folder, and the copy in its place; `on_note` is told in a sentence.
std::optional<Ledger> load_and_mend_ledger(const StateDirectory& state, const std::string& name,
                                           const std::function<void(std::string_view)>& on_note);
/// Written, fsynced and renamed into place; then written once more beside it, as the copy.
void save_ledger(const StateDirectory& state, const Ledger& ledger);
/// Removes it: every loan is verified home.
void close_ledger(const StateDirectory& state, const std::string& name);
/// The same for one that can't be read, whose file is put aside.
void abandon_ledger(const StateDirectory& state, const std::string& name);

/// The leases that its loans need.
std::vector<std::string> leases_of(const Ledger& ledger);

/// Dead, alive or not to be judged from here: by process, else by the path of the namespace.
Liveness borrower_liveness(const Ledger& ledger);

}  // namespace netlend
