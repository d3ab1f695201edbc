#include "net/ledger/ledger.hpp"

#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"

using netlend::Error;
using netlend::Ledger;

namespace {
netlend::DeviceSnapshot example_snapshot() {
  netlend::DeviceSnapshot snapshot;
  snapshot.link.ifindex = {7};
  snapshot.link.name = "lan\xff";  // Not UTF-8, and must come back as it is.
  snapshot.link.altnames = {"right", "left"};
  snapshot.link.alias = "the \"LAN\" \xe9";
  snapshot.link.kind = "veth";
  snapshot.link.flags = 0x1043;
  snapshot.link.mtu_bytes = 1400;
  snapshot.link.address = std::string("\x02\x00\x00\x00\x00\x01", 6);
  snapshot.link.tunables = {{13, 777}, {27, 42}};
  snapshot.link.master = netlend::LinkMaster{
      .ifindex = {3}, .kind = "bridge", .port_attributes = {{3, std::string("\x4d\0\0\0", 4)}}};
  snapshot.link.addrgenmode = 1;
  snapshot.link.lower = netlend::IfIndex{8};
  snapshot.link.lower_nsid = 0;
  snapshot.addresses = {netlend::make_address(netlend::IpPrefix{"10.77.0.1/24"}, true)};
  snapshot.addresses[0].valid_until_s = 1234;
  snapshot.routes = {netlend::make_route(netlend::IpPrefix{"192.0.2.0/24"},
                                         netlend::IpAddress{"10.77.0.9"}, true)};
  snapshot.neighbours = {{.family = AF_INET,
                          .state = 0x80,
                          .flags = 0,
                          .attributes = {{1, std::string("\x0a\x4d\x00\x32", 4)}}}};
  snapshot.sysctls = {{"ipv4/conf/proxy_arp", "1"}};
  snapshot.root_qdisc =
      netlend::QdiscRecord{.kind = "tbf", .handle = 0x70000, .options = std::string("\x00\x01", 2)};
  return snapshot;
}

netlend::Relations example_relations() {
  ndmsg entry{};
  entry.ndm_state = NUD_NOARP;
  entry.ndm_flags = NTF_MASTER;
  fib_rule_hdr rule{};
  rule.family = AF_INET;
  const std::string address("\x02\0\0\0\0\5", 6);
  return {.master_name = "br\xff",
          .port =
              netlend::BridgePort{
                  .vlans = {netlend::make_record(bridge_vlan_info{.flags = 2, .vid = 10},
                                                 {{2, std::string("\x14\0", 2)}})},
                  .groups = {netlend::make_record(br_mdb_entry{.state = MDB_PERMANENT}, {})}},
          .bond = netlend::Bond{.address = address, .gives_address = true},
          .forwarding = {.entries = {netlend::make_record(entry, {{NDA_LLADDR, address}})},
                         .groups = {address}},
          .rules = {netlend::make_record(rule, {{FRA_IIFNAME, std::string("lan0\0", 5)}})},
          .functions = {netlend::make_record(std::uint32_t{3}, {{1, address}})},
          .own_function = netlend::OwnFunction{
              .physical = "0000:03:00.0",
              .function = netlend::make_record(std::uint32_t{1}, {{1, address}})}};
}

Ledger example() {
  Ledger ledger;
  ledger.name = "db1-6db8dbae-3218783";
  ledger.id = netlend::ContainerId{"db1"};
  ledger.key = "/bundles/db1";
  ledger.generation = 3218783;
  ledger.created_at_s = 1763776429;
  ledger.lender = {
      .pid = 41, .start_time_ticks = 99, .boot_id = "boot", .pid_namespace = 4026531836};
  ledger.home = {.device = 4, .inode = 4026531840, .cookie = 1};
  ledger.borrower = {.device = 4, .inode = 4026532200, .cookie = 18446744073709551615U};
  ledger.process = ledger.lender;
  ledger.pin = netlend::Pin{.mount_namespace = 4026531841};
  ledger.plan = R"({"netlend": 1, "nics": []})";
  ledger.loans = {{.id = "ad21cfc55dc4b5d7",
                   .inside = "eth0",
                   .lease = "virtual-1-7",
                   .stage = netlend::Stage::ready,
                   .inside_ifindex = netlend::IfIndex{2},
                   .home = example_snapshot(),
                   .pair = std::nullopt},
                  {.id = "0123456789abcdef",
                   .inside = "eth1",
                   .lease = "",
                   .stage = netlend::Stage::lent,
                   .inside_ifindex = std::nullopt,
                   .home = std::nullopt,
                   .pair = netlend::MadePair{.host_name = "h0",
                                             .host_address = std::string("\x02\xff\0\0\0\1", 6)}}};
  return ledger;
}

std::string why_broken(const std::string& text) {
  try {
    netlend::parse_ledger("db1-6db8dbae-1", text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The example's file with another value at one place, and a checksum that fits.
std::string with(const std::string& pointer, const nlohmann::json& value) {
  auto file = nlohmann::json::parse(netlend::format_ledger(example()));
  auto& content = file.at("ledger");
  content[nlohmann::json::json_pointer(pointer)] = value;
  file["sha256"] = netlend::sha256_hex(content.dump());
  return file.dump();
}
}  // namespace

BOOST_AUTO_TEST_SUITE(ledger)

BOOST_AUTO_TEST_CASE(a_ledger_is_read_as_it_was_written) {
  const Ledger written = example();
  BOOST_CHECK(netlend::parse_ledger(written.name, netlend::format_ledger(written)) == written);
}

BOOST_AUTO_TEST_CASE(what_only_some_ledgers_have_is_read_as_it_was_written) {
  Ledger written = example();
  written.guardian = written.lender;
  written.is_left_to_kernel = true;
  written.sharers = {{.id = netlend::ContainerId{"c2"}, .key = "/bundles/c2"}};
  written.loans[0].home->link.ipv6_token = std::string(15, '\0') + '\x77';
  written.loans[0].home->link.mode = 1;
  written.loans[0].home->link.protocol_down = netlend::ProtocolDown{.is_down = true, .reasons = 9};
  written.loans[0].home->dependent_routes = {
      {.device = {9}, .route = written.loans[0].home->routes[0]}};
  written.loans[0].home->dependent_routes[0].route.place = netlend::RoutePlace::behind;
  written.loans[0].home->routes[0].place = netlend::RoutePlace::before;
  written.loans[0].home->root_qdisc->has_more = true;
  written.loans[0].home->settings = netlend::DeviceSettings{
      .ethtool = {.numbers = {{"ring", {{6, std::string("\0\2\0\0", 4)}}}},
                  .switches = {{"feature", {{"rx-gro", true}, {"tx-\xff", false}}}}},
      .queues = {{"queues/rx-0/rps_cpus", "00000000,00000003"}},
      .programs = {.xdp = {{2, 77}}, .listed = {{.attach_type = 46, .program = 78, .link = 9}}},
      .traffic = {.qdiscs = {{.parent = 0x10010, .handle = 0x200000, .kind = "pfifo"}},
                  .classes = {{.parent = 0xffffffff, .handle = 0x10010, .kind = "htb"}},
                  .filters = {{.parent = 0xfffffff2,
                               .handle = 1,
                               .info = 0x10300,
                               .chain = 4,
                               .kind = "bpf",
                               .options = std::string("\0\1", 2),
                               .why_not = "a program can't be read back"}},
                  .chains = {{.parent = 0xfffffff2,
                              .chain = 7,
                              .kind = "flower",
                              .options = std::string("\0\2", 2)}}},
      .steering =
          netlend::Steering{.hash = netlend::ReceiveHash{.table = std::string("\1\0\0\0", 4),
                                                         .key = "k\xff",
                                                         .function = 1,
                                                         .transform = 2},
                            .hashed_fields = {{1, UINT64_MAX}},
                            .rules = {{7, std::string("\0r", 2)}},
                            .tunables = {{1, 256}}}};
  written.loans[0].home->relations = example_relations();
  written.loans[0].home->announced_losses = {"the VLANs of its port in bridge 'br\xff'"};
  BOOST_CHECK(netlend::parse_ledger(written.name, netlend::format_ledger(written)) == written);
}

BOOST_AUTO_TEST_CASE(a_ledger_of_version_1_is_read_for_ever) {
  const auto text =
      netlend::read_file(AT_FDCWD, std::string(NETLEND_GOLDEN_FOLDER) + "/ledger-1.json", 1 << 20);
  BOOST_CHECK(netlend::parse_ledger(example().name, text) == example());
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_ledger_is_known_to_be_broken) {
  const std::string text = netlend::format_ledger(example());
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    const std::string why = why_broken(text.substr(0, length));
    BOOST_REQUIRE_MESSAGE(why.find("'db1-6db8dbae-1' is broken") != std::string::npos,
                          "a prefix of " << length << " bytes: '" << why << "'");
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_of_a_ledger_is_noticed) {
  const std::string text = netlend::format_ledger(example());
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x01);
    bool noticed = !why_broken(flipped).empty();
    // A byte between the parts may be flipped into another that JSON ignores; never more than that.
    if (!noticed) {
      noticed = netlend::parse_ledger(example().name, flipped) == example();
    }
    BOOST_REQUIRE_MESSAGE(noticed, "byte " << at);
  }
}

BOOST_AUTO_TEST_CASE(a_ledger_of_another_major_version_is_refused_with_a_sentence) {
  const std::string why = why_broken(R"({"netlend": 2, "sha256": "", "ledger": {}})");
  BOOST_TEST(why.find("version 2") != std::string::npos);
  BOOST_TEST(why.find("reads version 1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nesting_without_end_is_broken) {
  constexpr std::size_t kDepth = 200'000;
  const std::string text = R"({"netlend":1,"sha256":"","ledger":)" + std::string(kDepth, '[') +
                           std::string(kDepth, ']') + "}";
  BOOST_TEST(why_broken(text).find("nested more than") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_netlend_does_not_write_is_broken_and_never_bent_to_fit) {
  const auto is_broken = [](const std::string& pointer, const nlohmann::json& value) {
    BOOST_TEST(why_broken(with(pointer, value)).find("is broken") != std::string::npos,
               pointer << ": " << value);
  };
  is_broken("/generation", 18446744073709551616.0);
  is_broken("/lender/pid", 4294967337);
  is_broken("/loans/0/home/link/ifindex", 7.5);
  is_broken("/loans/0/home/link/ifindex", true);
  is_broken("/loans/0/home/link/mtu", 4294968696);
  is_broken("/loans/0/home/link/flags", -1);
  is_broken("/loans/0/home/link/tunables", {{"x", 1}});
  is_broken("/loans/0/home/link/tunables", nlohmann::json::array({1, 2}));
  is_broken("/loans/0/home/addresses/0/scope", 256);
  is_broken("/loans/0/home/addresses/0/attributes", nlohmann::json::object());
  is_broken("/loans/0/home/addresses/0/attributes/2", "0a4d00");
  is_broken("/loans/0/home/routes/0/attributes/5", "0a4d00");
  is_broken("/loans/0/home/relations",
            {{"rules", {{{"header", "00"}, {"attributes", nlohmann::json::object()}}}}});
  is_broken("/loans/0/home/relations", {{"multicast_addresses", {"0"}}});
}

BOOST_AUTO_TEST_CASE(members_of_a_later_netlend_and_its_words_for_people_are_passed_over) {
  for (const char* pointer :
       {"/later", "/loans/0/home/link/later", "/loans/0/home/routes/0/text"}) {
    BOOST_TEST(why_broken(with(pointer, "x")).empty(), pointer);
  }
}

BOOST_AUTO_TEST_CASE(ledgers_of_one_id_and_different_bundles_are_different) {
  const netlend::ContainerId id{"db1"};
  BOOST_TEST(netlend::ledger_stem(id, "/a") != netlend::ledger_stem(id, "/b"));
  BOOST_TEST(netlend::ledger_stem(id, "/a") == netlend::ledger_stem(id, "/a"));
}

BOOST_AUTO_TEST_SUITE_END()
