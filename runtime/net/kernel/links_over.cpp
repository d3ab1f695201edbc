#include "net/kernel/links_over.hpp"

#include <cerrno>
#include <utility>

#include "base/error.hpp"

namespace netlend {

std::optional<std::vector<LinkState>> LinksOverReader::list(const char* kind,
                                                            std::optional<std::uint32_t> nsid) {
  try {
    auto found = list_links_over(socket_, {.kind = kind, .lower = lower_, .nsid = nsid});
    if (!found) socket_ = RouteSocket{netns_};
    return found;
  } catch (const Error& error) {
    if (!nsid || error.errno_value() != EINVAL) throw;
    return std::vector<LinkState>{};  // That namespace ended while we looked.
  }
}

std::vector<LinkState> list_over(Site& site, IfIndex lower, std::span<const char* const> kinds) {
  std::vector<LinkState> found;
  LinksOverReader reader(site.netns, lower);
  for (const char* kind : kinds) {
    auto over = reader.list(kind, std::nullopt);
    if (!over) continue;
    for (auto& link : *over) {
      const bool is_here = !link.lower_nsid && link.ifindex != lower;
      if (is_here) found.push_back(std::move(link));
    }
  }
  return found;
}

}  // namespace netlend
