#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>
#include <new>
#include <vector>

#include "base/syscall.hpp"
#include "net/l3/lan_fixture.hpp"

namespace netlend::test {

namespace {
constexpr std::int64_t kIntervalNs = 500'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kStragglersNs = 300'000'000;
constexpr double kNsPerMs = 1e6;
constexpr int kSequences = 65536;

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

/// A ping socket: the kernel fills in the identifier and the checksum, icmp(7).
UniqueFd open_ping(const IpAddress& to) {
  const bool is_ipv4 = to.family() == AF_INET;
  UniqueFd fd{check(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC,
                             is_ipv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}),
                    "open", "a ping socket")};
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(to.family());
  std::memcpy(reinterpret_cast<char*>(&address) +
                  (is_ipv4 ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr)),
              to.bytes().data(), to.bytes().size());
  check(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                  is_ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)),
        "connect to", to.str());
  return fd;
}
}  // namespace

struct Echo::Shared {
  std::atomic<int> sent;
  std::atomic<int> answered;
  std::atomic<std::int64_t> longest_silence_ns;
};

namespace {
/// Until `control` is closed at its other end, and for the last answers then.
template <typename Shared>
class Pinger {
 public:
  Pinger(int socket, bool is_ipv4, int control, Shared& shared)
      : socket_(socket), control_(control), is_ipv4_(is_ipv4), shared_(shared) {}

  void run() {
    std::int64_t next = now_ns();
    last_answer_ = next;
    std::int64_t end = INT64_MAX;
    while (now_ns() < end) {
      if (now_ns() >= next && end == INT64_MAX) {
        send();
        next += kIntervalNs;
      }
      if (wait_until(next)) end = std::min(end, now_ns() + kStragglersNs);
      if (end != INT64_MAX && shared_.answered == shared_.sent) return;
    }
  }

 private:
  void send() {
    std::array<std::uint8_t, 8> request{};
    request[0] = is_ipv4_ ? std::uint8_t{ICMP_ECHO} : std::uint8_t{ICMP6_ECHO_REQUEST};
    const int sequence = shared_.sent % kSequences;
    request[6] = static_cast<std::uint8_t>(sequence >> 8);
    request[7] = static_cast<std::uint8_t>(sequence & 0xff);
    // One that is refused at once is lost as well.
    static_cast<void>(::send(socket_, request.data(), request.size(), MSG_DONTWAIT));
    ++shared_.sent;
  }

  void receive() {
    std::array<char, 64> answer{};
    while (::recv(socket_, answer.data(), answer.size(), MSG_DONTWAIT) >= 8) {
      const std::int64_t now = now_ns();
      if (now - last_answer_ > shared_.longest_silence_ns) {
        shared_.longest_silence_ns = now - last_answer_;
      }
      last_answer_ = now;
      ++shared_.answered;
    }
  }

  /// True when nothing more is to be sent.
  bool wait_until(std::int64_t deadline) {
    const std::int64_t left = std::max<std::int64_t>(0, deadline - now_ns());
    const timespec timeout{.tv_sec = 0, .tv_nsec = std::min(left, kIntervalNs)};
    std::array<pollfd, 2> waiting{pollfd{.fd = socket_, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = control_, .events = POLLIN, .revents = 0}};
    ::ppoll(waiting.data(), is_ending_ ? 1 : 2, &timeout, nullptr);
    receive();
    is_ending_ = is_ending_ || waiting[1].revents != 0;
    return is_ending_;
  }

  int socket_;
  int control_;
  bool is_ipv4_;
  Shared& shared_;
  std::int64_t last_answer_ = 0;
  bool is_ending_ = false;
};
}  // namespace

Echo::Echo(const Sleeper& from, const std::string& to) {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno(errno, "map", "memory to share");
  shared_ = new (memory) Shared{};
  from.sh("echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range");
  const IpAddress address{to};
  UniqueFd socket;
  run_in_netns(Netns::of_process(from.pid()), [&] { socket = open_ping(address); });
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
  UniqueFd end{ends[0]};
  control_ = UniqueFd{ends[1]};
  pid_ = check(::fork(), "fork", "the pinger");
  if (pid_ == 0) {
    control_.reset();
    Pinger<Shared>(socket.get(), address.family() == AF_INET, end.get(), *shared_).run();
    ::_exit(0);
  }
}

Echo::~Echo() {
  if (pid_ != -1) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::munmap(shared_, sizeof(Shared));
}

void Echo::wait_for_answers(int count) {
  constexpr timespec kPoll{.tv_sec = 0, .tv_nsec = 1'000'000};
  constexpr std::int64_t kTimeoutNs = 10 * kNsPerSecond;
  const int wanted = shared_->answered + count;
  const std::int64_t deadline = now_ns() + kTimeoutNs;
  while (shared_->answered < wanted) {
    if (now_ns() > deadline) throw Error("no more answers to echo requests come");
    ::nanosleep(&kPoll, nullptr);
  }
}

Echo::Result Echo::finish() {
  control_.reset();
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  return {.sent = shared_->sent,
          .lost = shared_->sent - shared_->answered,
          .longest_silence_ms = static_cast<double>(shared_->longest_silence_ns) / kNsPerMs};
}

}  // namespace netlend::test
