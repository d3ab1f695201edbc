#include "container/console_socket.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string_view>

#include "base/descriptor_message.hpp"
#include "base/syscall.hpp"

namespace netlend {

UniqueFd connect_console_socket(const std::string& path) {
  UniqueFd socket{
      check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket to", path)};
  // A socket's path may have 107 bytes; a descriptor's always has fewer.
  const UniqueFd place{
      check(::open(path.c_str(), O_PATH | O_CLOEXEC), "open --console-socket", path)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto itself = fmt::format("/proc/self/fd/{}", place.get());
  std::memcpy(address.sun_path, itself.c_str(), itself.size() + 1);
  check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "connect to --console-socket", path);
  return socket;
}

void send_terminal(int socket, int master) {
  // conmon and containerd take any name, and print it.
  send_descriptor(socket, "/dev/pts/ptmx", master);
}

}  // namespace netlend
