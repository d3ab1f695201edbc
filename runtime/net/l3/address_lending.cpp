#include "net/l3/address_lending.hpp"

#include "net/l3/home_changes.hpp"
#include "net/l3/kernel_mode.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/routed.hpp"

namespace netlend {

void lend_addresses(const AddressScene& scene, Site& borrower) {
  check_no_device_lent(scene);
  prepare_home(scene);
  for (auto& loan : scene.ledger.address_loans) {
    if (mode_of(loan) == AddressMode::kernel) {
      lend_in_kernel(scene, borrower, loan);
    } else {
      lend_routed(scene, borrower, loan);
    }
    loan.stage = Stage::lent;
  }
}

bool give_back_addresses(const AddressScene& scene, Failures& failures) noexcept {
  bool all_home = true;
  for (auto& loan : scene.ledger.address_loans) {
    bool is_home = false;
    attempt(failures, [&] {
      is_home = mode_of(loan) == AddressMode::kernel ? give_back_in_kernel(scene, loan, failures)
                                                     : give_back_routed(scene, loan, failures);
    });
    all_home = all_home && is_home;
  }
  // Not while one of ours still needs it.
  if (all_home) put_back_home(scene, failures);
  return all_home && scene.ledger.home_changes.is_empty();
}

}  // namespace netlend
