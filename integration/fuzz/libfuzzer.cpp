#include <algorithm>
#include <cstdint>

#include "fuzz/targets.hpp"

namespace {
// Which one this program is for (CMakeLists.txt).
constexpr auto kTarget =
    std::find_if(netlend::fuzz::kTargets.begin(), netlend::fuzz::kTargets.end(),
                 [](const auto& target) { return target.name == NETLEND_FUZZ_TARGET; });
static_assert(kTarget != netlend::fuzz::kTargets.end());
}  // namespace

// libFuzzer's entry; what a target throws ends the program, which is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  kTarget->run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
