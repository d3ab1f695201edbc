#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/syscall.hpp"
#include "net/l3/lan_fixture.hpp"

using netlend::check;
using netlend::Netns;
using netlend::UniqueFd;
using netlend::test::Lan;

namespace {
constexpr int kLongMs = 20'000;  // More than the kernel waits before it sends again.
// Several times what an answer takes.
constexpr int kAWhileMs = 300;

UniqueFd tcp_socket() {
  return UniqueFd{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make", "a socket")};
}

sockaddr_in place(const char* address) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(8080);
  ::inet_pton(AF_INET, address, &place.sin_addr);
  return place;
}

bool arrives(const UniqueFd& fd, char byte, int timeout_ms) {
  pollfd event{.fd = fd.get(), .events = POLLIN, .revents = 0};
  char got = 0;
  return ::poll(&event, 1, timeout_ms) == 1 && ::read(fd.get(), &got, 1) == 1 && got == byte;
}

void send(const UniqueFd& fd, char byte) { check(::write(fd.get(), &byte, 1), "send", "a byte"); }
}  // namespace

BOOST_FIXTURE_TEST_SUITE(connections, Lan)

BOOST_AUTO_TEST_CASE(one_of_the_hosts_own_stalls_while_its_address_is_lent_and_goes_on_after) {
  const auto here = place("10.9.0.11");
  const auto* address = reinterpret_cast<const sockaddr*>(&here);
  const auto listener = tcp_socket();
  check(::bind(listener.get(), address, sizeof here), "bind", "10.9.0.11");
  check(::listen(listener.get(), 1), "listen on", "10.9.0.11");
  UniqueFd client;
  run_in_netns(Netns::of_process(neighbour.pid()), [&] {
    client = tcp_socket();
    check(::connect(client.get(), address, sizeof here), "connect to", "10.9.0.11");
  });
  const UniqueFd server{
      check(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept", "a connection")};
  send(client, 'a');
  BOOST_TEST(arrives(server, 'a', kLongMs));

  lend_to_c1("10.9.0.11");
  send(client, 'b');
  BOOST_TEST(!arrives(server, 'b', kAWhileMs));
  pollfd event{.fd = client.get(), .events = 0, .revents = 0};
  BOOST_TEST(::poll(&event, 1, 0) == 0, "the connection was reset");

  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(arrives(server, 'b', kLongMs));
  send(server, 'c');
  BOOST_TEST(arrives(client, 'c', kLongMs));
}

BOOST_AUTO_TEST_SUITE_END()
