#include "fault/scene.hpp"

#include <fmt/core.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "fault/furniture.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend::test {

namespace {
// The carrier of a veth comes back a moment after both its ends are up.
constexpr int kSettleTimeoutMs = 10'000;

const char* const kMoreDevices = R"(
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  ip link add br0 type bridge
  ip link set br0 up
  ip link add port0 type veth peer name peer1
  ip link set port0 alias "in the bridge" mtu 1450
  ip link set port0 master br0
  bridge link set dev port0 cost 33 priority 11 hairpin on
  ip link set peer1 up
  ip link set port0 up
  ip link add under0 type veth peer name under1
  ip link set under0 up
  ip link set under1 up
  ip link add mac0 link under0 type macvlan mode bridge
  ip link property add dev mac0 altname the-macvlan
  ip addr add 10.88.0.1/24 dev mac0
  ip link set mac0 up
  ip route add 203.0.113.0/24 via 10.88.0.9 dev mac0 metric 5
)";

// Devices are listed by when they came, and so are equal routes of several devices: both are sorted
// by device. What is left of a lifetime, and of a timer of the bridge's, is blanked, and so is the
// number that the bridge gives a port: nobody can ask for one. Of a sysctl the kernel makes room
// for as much as is read at once, which with cat takes longer than all the rest.
const char* const kPicture = R"sh(
  ip -d -j addr show |
    sed -E 's/4294967295/forever/g; s/"([a-z_]*life_time|[a-z_]*timer|designated_port)":[0-9.]+/"\1"/g; s/"(id|no)":"0x[0-9a-f]+"/"\1"/g'
  (ip -4 -d route show table all; ip -6 -d route show table all) |
    sed -E 's/.* dev ([^ ]*)/\1: &/; s/expires [0-9]*sec/expires/' | sort --stable --key 1,1
  (ip neigh show nud permanent; ip neigh show proxy; tc qdisc show) |
    sed -E 's/direct_packets_stat [0-9]*|REACHABLE|STALE//' | sort
  cd /proc/sys/net
  set --
  for device in $devices; do
    set -- "$@" ipv[46]/neigh/$device/* ipv4/conf/$device/* ipv6/conf/$device/[a-rt-z]*
  done
  sed '' "$@" 2>/dev/null | tr '\n' ' '
  echo
  find "$state" ! -type d
  grep "$state/[a-z]*/." /proc/self/mountinfo
  true
)sh";

void write_lines(const std::string& path, std::string text) {
  std::replace(text.begin(), text.end(), ',', '\n');
  std::ofstream(path) << text;
}
}  // namespace

void tell_survived(std::string_view fault, std::string_view where, int times) {
  std::cout << fmt::format("survived|{}|{}|{}", fault, where, times) << std::endl;
}

bool is_soak() { return std::getenv("NETLEND_SOAK") != nullptr; }

Share share() {
  const char* const text = std::getenv("NETLEND_SHARE");
  Share share;
  if (text == nullptr) return share;
  std::istringstream words(text);
  char slash = 0;
  words >> share.first >> slash >> share.step;
  if (!words || slash != '/' || share.first < 1 || share.first > share.step) {
    throw Error(fmt::format("NETLEND_SHARE is '{}', must be like 2/4", text));
  }
  return share;
}

Scene::Scene(Devices devices) : devices_(devices) {
  const bool is_furnished = devices == Devices::furnished;
  if (is_furnished) tap_ = open_tap("tap0");
  add(is_furnished ? kFurniture : kMoreDevices);
}

void Scene::add(const std::string& command) {
  sh(command);
  wait_for_dad();
  before_ = picture();
}

std::string Scene::picture() {
  const bool is_furnished = devices_ == Devices::furnished;
  return sh(fmt::format("state='{}'\ndevices='lan0 {}'\n{}{}", state().path(),
                        is_furnished ? "full0 tap0" : "mac0 port0", kPicture,
                        is_furnished ? kPictureOfFurniture : ""));
}

std::string Scene::difference() {
  std::string now = picture();
  const std::int64_t deadline = monotonic_ms() + kSettleTimeoutMs;
  while (now != before_ && monotonic_ms() < deadline) now = picture();
  if (now == before_) return {};
  write_lines("/run/before", before_);
  write_lines("/run/now", now);
  return sh("diff -U 1 /run/before /run/now | tail -n +3 | head -40");
}

std::string Scene::reap_once() {
  auto scope = ReapScope::dead;
  for (const auto& name : list_ledgers(state())) {
    const auto ledger = load_ledger(state(), name);
    if (ledger && ledger->is_ready() && borrower_liveness(*ledger) == Liveness::alive) {
      scope = ReapScope::all;
    }
  }
  std::vector<std::string> texts;
  for (const auto& failure : reap(context(), scope)) texts.push_back(failure.what);
  return joined(texts);
}

Plan plan_of(Devices devices) {
  if (devices == Devices::one) {
    return Lab::plan("eth0=lan0 addr=10.77.0.2/24 gw=10.77.0.9 mtu=1300 mac=02:00:00:00:00:aa");
  }
  const std::vector<const char*> three{
      "eth0=mac0 addr=10.88.0.2/24", "eth1=port0 mtu=1300",
      "eth2=veth:h0 bridge=br0 host-addr=10.99.0.1/24 addr=10.99.0.2/24"};
  const std::vector<const char*> furnished{"eth0=full0 addr=10.89.0.2/24", "eth1=tap0 mtu=1300"};
  Plan plan;
  for (const char* spec : devices == Devices::three ? three : furnished) {
    plan.nics.push_back(parse_nic_spec(spec));
  }
  return plan;
}

Performance::Performance(Scene& scene, Act act, Devices devices)
    : scene_(scene), act_(act), plan_(plan_of(devices)) {
  // The mounts that are made but once are made each time.
  for (const char* folder : {"/pins", "/staging"}) {
    ::umount2((scene.state().path() + folder).c_str(), MNT_DETACH);
  }
  if (act == Act::lend_through_staging) {
    mortal_.emplace();
    mortal_->sh("ip link add lan0 type veth peer name other0");
  }
  const bool is_used = devices == Devices::furnished;
  if (act == Act::give_back) {
    ledger_ = lend(scene.context(), plan_, scene.borrower());
    if (is_used) scene.container.sh(kUse);
  }
  if (act == Act::reap) {
    mortal_.emplace();
    static_cast<void>(lend(scene.context(), plan_, Lab::borrower_of(*mortal_)));
    if (is_used) mortal_->sh(kUse);
    mortal_->kill();
  }
}

Outcome Performance::run(const IsPoint& is_point, const Fault& fault) {
  return run_traced([&] { perform(); }, is_point, fault);
}

Outcome Performance::run_counted(const IsPoint& is_point) {
  return test::run_counted([&] { perform(); }, is_point);
}

void Performance::perform() {
  Failures failures;
  switch (act_) {
    case Act::lend:
    case Act::lend_through_staging:
      static_cast<void>(
          lend(scene_.context(), plan_, mortal_ ? Lab::borrower_of(*mortal_) : scene_.borrower()));
      break;
    case Act::give_back:
      failures = give_back(scene_.context(), ledger_);
      break;
    case Act::reap:
      failures = reap(scene_.context(), ReapScope::dead);
      break;
  }
  std::vector<std::string> texts;
  for (const auto& failure : failures) texts.push_back(failure.what);
  if (!texts.empty()) throw Error(joined(texts));
}

std::string text_of(Act act, Devices devices) {
  const char* const what = act == Act::lend                   ? "lend"
                           : act == Act::lend_through_staging ? "lend through staging"
                           : act == Act::give_back            ? "give back"
                                                              : "reap";
  const char* const whom = devices == Devices::one     ? "one device"
                           : devices == Devices::three ? "three devices"
                                                       : "two furnished devices";
  return fmt::format("{}, {}", what, whom);
}

}  // namespace netlend::test
