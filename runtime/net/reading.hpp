#pragma once

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend {

/// Does what asks the kernel by index or mark, and names the device in what that throws.
template <typename Work>
auto reading(const Loan& loan, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw error.within("look at '" + printable(loan.home_name()) + "'");
  }
}

}  // namespace netlend
