#include "net/snapshot/settable.hpp"

#include <linux/if.h>

namespace netlend {

namespace {
constexpr std::uint32_t kSettableFlags =
    IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST | IFF_DEBUG | IFF_NOTRAILERS;
}  // namespace

std::uint32_t settable_flags(const LinkState& link) { return link.flags & kSettableFlags; }

bool has_settable_carrier(const LinkState& link) {
  return link.kind == "dummy" || link.kind == "tun";
}

}  // namespace netlend
