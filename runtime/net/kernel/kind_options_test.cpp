#include "net/kernel/kind_options.hpp"

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/if_vlan.h>
#include <linux/netlink.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>

#include "net/kernel/kind_option_text.hpp"
#include "net/kernel/message.hpp"

using namespace std::string_literals;
using netlend::Attributes;
using netlend::kind_option_changes;
using netlend::kind_option_differences;

namespace {
std::string option(int type, const std::string& value) {
  const nlattr head{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size()),
                    .nla_type = static_cast<std::uint16_t>(type)};
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  bytes += value;
  bytes.resize(NLA_ALIGN(bytes.size()));
  return bytes;
}

std::string mappings(std::uint32_t first, std::uint32_t last, std::uint32_t priority) {
  std::string list;
  for (std::uint32_t from = first; from <= last; ++from) {
    const ifla_vlan_qos_mapping mapping{.from = from, .to = priority};
    list +=
        option(IFLA_VLAN_QOS_MAPPING, {reinterpret_cast<const char*>(&mapping), sizeof mapping});
  }
  return list;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(kind_options)

BOOST_AUTO_TEST_CASE(only_what_differs_is_sent_where_the_kernel_refuses_the_rest) {
  const std::string port = option(IFLA_VXLAN_PORT, "\x12\xb5");
  const auto changes = kind_option_changes(
      "vxlan", port + option(IFLA_VXLAN_TTL, "\x05"),
      port + option(IFLA_VXLAN_TTL, "\x09") + option(IFLA_VXLAN_LOCAL, "\xc0\x00\x02\x01"s));
  BOOST_REQUIRE(changes.size() == 1U);
  BOOST_TEST(changes[0] == option(IFLA_VXLAN_TTL, "\x05") + option(IFLA_VXLAN_LOCAL, "\0\0\0\0"s));
  BOOST_TEST(kind_option_changes("vxlan", port, port).empty());
}

BOOST_AUTO_TEST_CASE(a_tunnel_is_told_all_of_its_options) {
  const std::string home =
      option(IFLA_IPTUN_LOCAL, "\xc0\x00\x02\x01"s) + option(IFLA_IPTUN_TTL, "\x05");
  const auto changes = kind_option_changes(
      "ipip", home, option(IFLA_IPTUN_LOCAL, "\xc0\x00\x02\x01"s) + option(IFLA_IPTUN_TTL, "\x07"));
  BOOST_REQUIRE(changes.size() == 1U);
  BOOST_TEST(changes[0] == home);
}

BOOST_AUTO_TEST_CASE(many_priorities_are_taken_off_by_several_requests) {
  const auto changes = kind_option_changes("vlan", option(IFLA_VLAN_EGRESS_QOS, mappings(1, 1, 5)),
                                           option(IFLA_VLAN_EGRESS_QOS, mappings(2, 4001, 7)));
  BOOST_TEST(changes.size() > 1U);
  std::string all;
  for (const auto& request : changes) {
    BOOST_TEST(request.size() < 20'000U);
    all += Attributes(request).find(IFLA_VLAN_EGRESS_QOS).value_or("");
  }
  BOOST_TEST((all == mappings(1, 1, 5) + mappings(2, 4001, 0)));
}

BOOST_AUTO_TEST_CASE(differences_are_told_in_the_words_of_ip) {
  const auto told = [](const char* kind, const std::string& home, const std::string& now) {
    const auto found = kind_option_differences(kind, home, now);
    return found.size() == 1 ? found[0] : "";
  };
  BOOST_TEST(told("vlan", option(IFLA_VLAN_FLAGS, "\x01\0\0\0\xff\xff\xff\xff"s),
                  option(IFLA_VLAN_FLAGS, "\x03\0\0\0\xff\xff\xff\xff"s)) ==
             "flags (vlan) is reorder_hdr gvrp, was reorder_hdr at home");
  BOOST_TEST(told("vlan", "", option(IFLA_VLAN_EGRESS_QOS, mappings(1, 2, 5))) ==
             "egress-qos-map (vlan) is 1:5 2:5, was none at home");
  BOOST_TEST(told("sit", option(IFLA_IPTUN_REMOTE, "\xc0\x00\x02\x01"s),
                  option(IFLA_IPTUN_REMOTE, "\xc0\x00\x02\x02"s)) ==
             "remote (sit) is 192.0.2.2, was 192.0.2.1 at home");
  BOOST_TEST(told("gretap", option(IFLA_GRE_IKEY, "\0\0\0\x05"s),
                  option(IFLA_GRE_IKEY, "\0\0\0\x07"s)) == "ikey (gretap) is 7, was 5 at home");
  BOOST_TEST(
      told("macvtap", "",
           option(IFLA_MACVLAN_MACADDR_DATA, option(IFLA_MACVLAN_MACADDR, "\x02\0\0\0\0\x05"s))) ==
      "macaddr (macvtap) is 02:00:00:00:00:05, was none at home");
}

BOOST_AUTO_TEST_SUITE_END()
