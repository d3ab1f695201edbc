#include "net/l3/lan_fixture.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/syscall.hpp"
#include "net/kernel/l3_namespace.hpp"

namespace netlend::test {

namespace {
const char* const kHome = R"(
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  ip link set lo up
  ip link add up0 type veth peer name l0
  ip addr add 10.9.0.1/24 brd + dev up0
  ip addr add 10.9.0.11/24 brd + dev up0
  ip addr add 10.9.0.12/24 brd + dev up0
  ip link set up0 up
)";
const char* const kHomeAfterNeighbour = R"(
  ip addr add fd09::12/64 dev up0
  ip addr add fd09::11/64 dev up0
  ip addr add fd09::1/64 dev up0
  echo 1 > /proc/sys/net/ipv6/conf/default/accept_dad
)";
const char* const kNeighbour = R"(
  ip link set lo up
  echo 0 > /proc/sys/net/ipv6/conf/l0/accept_dad
  ip addr add 10.9.0.100/24 brd + dev l0
  ip addr add fd09::100/64 dev l0 nodad
  ip link set l0 up
)";
}  // namespace

Lan::NewHome::NewHome() { enter_new_netns(); }

Lan::Lan() {
  sh(kHome);
  // Without what Linux 6.17 brought, IPv6 is forwarded by a router alone.
  const bool is_forwarded = mode() == "routed" || mode() == "netkit";
  if (is_forwarded) {
    sh("cd /proc/sys/net/ipv6/conf; [ -e up0/force_forwarding ] || echo 1 > all/forwarding");
  }
  sh("ip link set l0 netns " + std::to_string(neighbour.pid()));
  neighbour.sh(kNeighbour);
  sh(kHomeAfterNeighbour);
  wait_for_dad();
  before_ = home_now();
}

std::string Lan::mode() {
  const char* mode = ::getenv("NETLEND_L3_MODE");
  return mode == nullptr ? "routed" : mode;
}

Sleeper Lan::new_borrower() {
  if (mode() != "kernel") return Sleeper();
  return Sleeper(create_l3_namespace(Netns::current(), Loopback::own).fd());
}

Plan Lan::plan(const std::string& spec) {
  Plan plan;
  const bool has_mode = spec.find("mode=") != std::string::npos;
  plan.addresses.push_back(parse_l3_spec(has_mode ? spec : spec + " mode=" + mode()));
  return plan;
}

void Lan::keep_up(const std::string& ledger) {
  for (const auto& failure : netlend::keep_up(context(), ledger)) BOOST_ERROR(failure.what);
}

std::string Lan::home_now() {
  return sh(R"(
    ip -br link | sed 's/@[^ ]*//'
    ip addr show | grep -E 'inet' | sed 's/valid_lft.*//; s/preferred_lft.*//'
    ip route show table all | grep -v ^multicast; ip -6 route show table all | sed 's/expires [0-9]*sec//' | sort
    ip rule; ip -6 rule
    tc qdisc show dev up0; tc filter show dev up0 ingress
    nft list ruleset; bridge fdb show dev up0 | grep -v -e ^01 -e ^33
    ip neigh show proxy; ip -6 neigh show proxy; ip neigh show nud permanent
    cd /proc/sys/net
    grep -s . ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv4/neigh/*/proxy_delay \
      ipv6/conf/*/forwarding ipv6/conf/*/force_forwarding ipv6/conf/*/accept_ra \
      ipv6/conf/*/proxy_ndp ipv6/neigh/*/proxy_delay || true
  )");
}

void Lan::check_home_as_it_was() {
  BOOST_TEST(home_now() == before_);
  check_state_is_empty();
}

bool is_killed_when(const std::function<bool(std::string_view)>& is_last,
                    const std::function<void(const StepCallback&)>& work) {
  constexpr int kKilled = 9;
  constexpr int kDone = 0;
  const pid_t pid = check(::fork(), "fork", "who is to be killed");
  if (pid == 0) {
    try {
      work([&](std::string_view step) {
        if (is_last(step)) ::_exit(kKilled);
      });
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(kDone);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  BOOST_REQUIRE(WIFEXITED(status));
  BOOST_REQUIRE(WEXITSTATUS(status) == kKilled || WEXITSTATUS(status) == kDone);
  return WEXITSTATUS(status) == kKilled;
}

bool is_killed_at(int number, const std::function<void(const StepCallback&)>& work) {
  return is_killed_when([left = number](std::string_view) mutable { return left-- == 0; }, work);
}

std::string output_of(const Sleeper& where, const std::string& command) {
  return where.sh("( " + command + " ) 2>&1 || true");
}

bool reaches(const Sleeper& from, const std::string& address) {
  return says(output_of(from, "ping -c 1 -W 2 " + address), " 1 received");
}

}  // namespace netlend::test
