#include "container/start_gate.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/syscall.hpp"

namespace netlend {

namespace {
UniqueFd make_socket() {
  return UniqueFd{
      check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "make", "a socket to start by")};
}

/// A socket's path may have 107 bytes, and an id alone 128: the folder is named by its descriptor.
sockaddr_un address_in(int folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = fmt::format("/proc/self/fd/{}/{}", folder, kStartGate);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}
}  // namespace

UniqueFd make_start_gate(int folder) {
  auto gate = make_socket();
  const auto address = address_in(folder);
  check(::bind(gate.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "make",
        "a socket to start by");
  check(::listen(gate.get(), 1), "listen at", "the socket to start by");
  return gate;
}

ChildChannel wait_at_start_gate(const UniqueFd& gate) {
  ChildChannel channel{
      UniqueFd{check(retry([&] { return ::accept4(gate.get(), nullptr, nullptr, SOCK_CLOEXEC); }),
                     "wait for", "the start")}};
  if (!channel.wait_for_go()) throw Error("whoever was to start the container is gone");
  return channel;
}

ParentChannel enter_start_gate(int folder) {
  auto socket = make_socket();
  const auto address = address_in(folder);
  check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "reach", "the container that waits to be started");
  return ParentChannel{std::move(socket)};
}

}  // namespace netlend
