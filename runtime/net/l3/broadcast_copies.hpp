#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/l3/scene.hpp"

/// Copies of the LAN's broadcasts and multicasts for a borrower that isn't on it (broadcast=yes).
/// They are made at home, by whichever the kernel has.
namespace netlend {

/// In this order: nothing else of home's is touched by nftables.
enum class CopiedBy { nftables, tc };
/// As people know it: "nftables", "tc".
std::string_view name_of(CopiedBy by);

/// What this kernel can copy by, or why by nothing.
struct CopyChoice {
  std::optional<CopiedBy> by;
  std::string why_not;
};
/// For copies of what `device` receives. Changes nothing. Throws Error where it can't be asked.
CopyChoice choose_copies(Site& home, const AddressLoan& loan, const std::string& device);

/// Has copies go to the end at home of the loan's pair, by what the loan says. Written to the
/// ledger first. Throws Error.
void copy_broadcasts(const AddressScene& scene, const AddressLoan& loan, IfIndex pair);
/// Ends them, in traffic control; in nftables they end with the loan's table. Throws Error.
void end_mirrors(const AddressScene& scene, const AddressLoan& loan);
/// Takes what copies hung on from devices where only this ledger needed it, and nobody else has
/// hung something on it since.
void put_back_ingress(const AddressScene& scene, const HomeChanges& others, Failures& failures);

}  // namespace netlend
