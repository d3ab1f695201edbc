#include "net/move_device.hpp"

namespace netlend {

void move_device(const LendingContext& context, Site& from, const LinkState& link,
                 const DeviceSnapshot& home, const MoveTarget& target, std::string doing) {
  if (context.on_step) context.on_step(doing);
  const auto& wireless = home.relations.wireless;
  auto socket = wireless ? open_wireless(from.netns) : std::nullopt;
  if (socket) {
    socket->call(move_phy(*socket, wireless->phy, target.netns_fd, std::move(doing)));
  } else {
    from.socket.call(move_link(link, target, std::move(doing)));
  }
}

}  // namespace netlend
