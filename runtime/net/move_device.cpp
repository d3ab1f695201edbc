#include "net/move_device.hpp"

namespace netlend {

void move_device(const LendingContext& context, const MovingDevice& device,
                 const MoveTarget& target, std::string doing) {
  if (context.on_step) context.on_step(doing);
  const auto& wireless = device.home.relations.wireless;
  auto socket = wireless ? open_wireless(device.site.netns) : std::nullopt;
  if (socket) {
    socket->call(move_phy(*socket, wireless->phy, target.netns_fd, std::move(doing)));
  } else {
    device.site.socket.call(move_link(device.link, target, std::move(doing)));
  }
}

}  // namespace netlend
