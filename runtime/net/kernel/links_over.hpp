#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// Lists what stands on a device, kind by kind, over a socket of its own.
class LinksOverReader {
 public:
  LinksOverReader(const Netns& netns, IfIndex lower)
      : netns_(netns), lower_(lower), socket_(netns) {}

  /// In the namespace with that id, or here; nothing where the kernel knows no such kind.
  std::optional<std::vector<LinkState>> list(const char* kind, std::optional<std::uint32_t> nsid);

 private:
  const Netns& netns_;
  IfIndex lower_;
  RouteSocket socket_;
};

/// The devices of these kinds, of this namespace, whose device below is `lower`.
std::vector<LinkState> list_over(Site& site, IfIndex lower, std::span<const char* const> kinds);

}  // namespace netlend
