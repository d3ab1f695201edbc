#include "net/snapshot/settable.hpp"

#include <linux/if.h>
#include <linux/if_link.h>

#include <array>

namespace netlend {

namespace {
constexpr std::uint32_t kSettableFlags = IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI |
                                         IFF_MULTICAST | IFF_DEBUG | IFF_NOTRAILERS | IFF_DYNAMIC |
                                         IFF_PORTSEL | IFF_AUTOMEDIA;
}  // namespace

std::uint32_t settable_flags(const LinkState& link) { return link.flags & kSettableFlags; }

std::string tunable_name(std::uint16_t type) {
  struct Tunable {
    std::uint16_t type;
    const char* name;
  };
  // The last two are newer than Debian 12's headers (include/uapi/linux/if_link.h).
  constexpr std::array kTunables{
      Tunable{IFLA_TXQLEN, "txqlen"},
      Tunable{IFLA_GROUP, "group"},
      Tunable{IFLA_GSO_MAX_SEGS, "gso_max_segs"},
      Tunable{IFLA_GSO_MAX_SIZE, "gso_max_size"},
      Tunable{IFLA_GRO_MAX_SIZE, "gro_max_size"},
      Tunable{63, "gso_ipv4_max_size"},
      Tunable{64, "gro_ipv4_max_size"},
  };
  for (const auto& tunable : kTunables) {
    if (tunable.type == type) return tunable.name;
  }
  return "attribute_" + std::to_string(type);
}

bool has_settable_carrier(const LinkState& link) {
  return link.kind == "dummy" || link.kind == "tun";
}

}  // namespace netlend
