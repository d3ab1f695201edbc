#include "net/kernel/xfrm.hpp"

#include <fmt/core.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include "base/error.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

namespace {
bool is_offloaded_to(const Attributes& attributes, IfIndex ifindex) {
  // xfrm_user_offload begins with the index.
  return attributes.u32(XFRMA_OFFLOAD_DEV) == static_cast<std::uint32_t>(ifindex.value);
}

template <typename Header, typename Describe>
std::vector<std::string> find_offloads(RouteSocket& socket, const Message& message, IfIndex ifindex,
                                       Describe describe) {
  std::vector<std::string> found;
  socket.dump(message, [&](const Reply& reply) {
    const auto header = reply.header<Header>();
    if (is_offloaded_to(reply.attributes(sizeof header), ifindex)) {
      found.push_back(describe(header));
    }
    return RouteSocket::Take::no;
  });
  return found;
}
}  // namespace

std::vector<std::string> list_ipsec_offloads(const Netns& netns, IfIndex ifindex) {
  std::vector<std::string> found;
  try {
    RouteSocket socket{netns, NETLINK_XFRM};
    found = find_offloads<xfrm_usersa_info>(
        socket, Message(XFRM_MSG_GETSA, 0, "list the IPsec states"), ifindex,
        [](const auto& state) { return fmt::format("IPsec state {:#x}", ntohl(state.id.spi)); });
    const auto policies = find_offloads<xfrm_userpolicy_info>(
        socket, Message(XFRM_MSG_GETPOLICY, 0, "list the IPsec policies"), ifindex,
        [](const auto& policy) { return fmt::format("IPsec policy {}", policy.index); });
    found.insert(found.end(), policies.begin(), policies.end());
  } catch (const Error& error) {
    if (error.errno_value() != EPROTONOSUPPORT) throw;  // A kernel without IPsec.
  }
  return found;
}

}  // namespace netlend
