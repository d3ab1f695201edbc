#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/process.hpp"
#include "base/unique_fd.hpp"
#include "guardian/guardian.hpp"
#include "net/kernel/netns.hpp"

/// The guardian's own life, in its own process.
namespace netlend {

inline constexpr std::size_t kGuardianMessageMax = 1024;
/// What a guardian says to its lender, or else why it can't be one. The lender answers with the
/// name of the ledger, and waits until the guardian is on watch and hangs up; if he ends without a
/// word, he was killed, or nothing was lent.
inline constexpr std::string_view kGuardianReady = "ready";
/// Beside a descriptor that the guardian is to hold for as long as it lives; before the name.
inline constexpr std::string_view kGuardianHold = "hold";

struct Watch {
  UniqueFd lender;
  std::string state_path;
  NetnsIdentity borrower;
  std::optional<ProcessIdentity> process;
  std::string netns_path;
  /// Of the borrower; closed where it has no process.
  UniqueFd pidfd;
  /// Of a lender who gives back himself for as long as he lives; closed where he leaves.
  UniqueFd lender_pidfd;
  Following following = Following::yes;
};

/// Returns when everything is home, with an exit code for nobody.
int keep_watch(Watch watch) noexcept;

}  // namespace netlend
