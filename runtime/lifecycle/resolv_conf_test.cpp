#include "lifecycle/resolv_conf.hpp"

#include <boost/test/unit_test.hpp>

using netlend::choose_resolv_conf;
using netlend::IpAddress;

BOOST_AUTO_TEST_SUITE(resolv_conf)

BOOST_AUTO_TEST_CASE(servers_of_the_user_replace_the_hosts_file) {
  const auto chosen = choose_resolv_conf({IpAddress("192.0.2.53"), IpAddress("2001:db8::53")},
                                         "nameserver 127.0.0.53\n");
  BOOST_TEST(chosen.content.value() == "nameserver 192.0.2.53\nnameserver 2001:db8::53\n");
  BOOST_TEST(!chosen.note.has_value());
}

BOOST_AUTO_TEST_CASE(the_hosts_file_is_taken_as_it_is) {
  for (const std::string host :
       {"search lan\nnameserver 192.0.2.1\n", "nameserver 127.0.0.1\nnameserver 192.0.2.1\n",
        "nameserver fe80::1%eth0\n", "options edns0\n", ""}) {
    BOOST_CHECK(choose_resolv_conf({}, host) == (netlend::ResolvConf{host, std::nullopt}));
  }
}

BOOST_AUTO_TEST_CASE(loopback_servers_of_the_host_are_left_out_with_a_note) {
  const auto chosen = choose_resolv_conf({}, "nameserver 127.0.0.53\nnameserver ::1\nsearch lan\n");
  BOOST_TEST(chosen.content.value() == "");
  BOOST_TEST(chosen.note.value() ==
             "no name server inside: the host's own (127.0.0.53) can't be reached from there; give "
             "one by --dns IP");
}

BOOST_AUTO_TEST_CASE(a_host_without_the_file_has_none_to_give) {
  BOOST_CHECK(choose_resolv_conf({}, std::nullopt) == netlend::ResolvConf{});
}

BOOST_AUTO_TEST_SUITE_END()
