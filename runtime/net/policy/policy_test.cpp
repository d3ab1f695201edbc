#include "net/policy/policy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"

using netlend::ContainerId;
using netlend::Error;
using netlend::LinkState;
using netlend::load_configuration;
using netlend::NicPlan;
using netlend::parse_configuration;
using netlend::parse_nic_spec;
using netlend::parse_plan_file;
using netlend::Policy;
using namespace std::string_literals;

namespace {
const std::string kAllowLan = R"({"netlend":1,"allow":[{"device":"lan*"}]})";

LinkState lan0() {
  LinkState link;
  link.name = "lan0";
  link.altnames = {"the-port-on-the-left"};
  link.address = "\x02\x00\x00\x00\x00\xaa"s;
  link.permanent_address = "\x02\x00\x00\x00\x00\xbb"s;
  link.parent_bus = "pci";
  link.parent_device = "0000:0a:00.1";
  return link;
}

bool allows(const std::string& rule, const std::string& spec, const LinkState* device) {
  const Policy policy{parse_configuration(R"({"netlend":1,"allow":[)" + rule + "]}").rules};
  try {
    const auto nic = parse_nic_spec(spec);
    policy.check({ContainerId{"db1"}}, {{nic, device, "ixgbe"}});
  } catch (const Error&) {
    return false;
  }
  return true;
}

/// /run is this program's own (integration/support).
struct Folder {
  Folder() { std::filesystem::create_directories(path + "/conf.d"); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    ::chmod((path + "/" + name).c_str(), 0644);
  }
  bool lends_lan0() const {
    const LinkState device = lan0();
    const Policy policy = load_configuration(path).policy;
    try {
      policy.check({ContainerId{"db1"}}, {{parse_nic_spec("eth0=lan0"), &device}});
    } catch (const Error&) {
      return false;
    }
    return true;
  }
  std::string error_of_load() const {
    try {
      load_configuration(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "loaded";
  }

  std::string path = "/run/policy/netlend";
};
}  // namespace

BOOST_AUTO_TEST_SUITE(policy)

BOOST_AUTO_TEST_CASE(without_a_rule_nothing_is_lent_and_the_refusal_says_what_to_type) {
  const LinkState device = lan0();
  try {
    Policy{{}}.check({ContainerId{"db1"}}, {{parse_nic_spec("eth0=pci:0000:0a:00.1"), &device}});
    BOOST_FAIL("allowed");
  } catch (const Error& error) {
    BOOST_TEST(
        std::string(error.what())
            .ends_with("type: netlend allow 'lan0' --to 'db1' --inside 'eth0' --address none"));
  }
}

BOOST_AUTO_TEST_CASE(the_command_of_a_refusal_is_one_command_whatever_the_names) {
  const auto command = [](const NicPlan& nic, const LinkState* device) -> std::string {
    try {
      Policy{{}}.check({ContainerId{"db1"}}, {{nic, device}});
    } catch (const Error& error) {
      const std::string text = error.what();
      return text.substr(text.find("type: ") + 6);
    }
    return "allowed";
  };
  BOOST_TEST(command(parse_nic_spec("eth0=veth:"), nullptr) ==
             "netlend allow 'veth:' --to 'db1' --inside 'eth0' --address none");
  BOOST_TEST(command(parse_nic_spec("eth0=veth:h0 bridge=br0 host-addr=10.0.0.1/24"), nullptr) ==
             "netlend allow 'veth:h0' --bridge 'br0' --host-addresses --to 'db1' --inside 'eth0' "
             "--address none");
  const auto plan =
      parse_plan_file(R"({"netlend":1,"nics":[{"inside":"eth0","source":"veth:'|reboot"}]})");
  BOOST_TEST(
      command(plan.nics[0], nullptr) ==
      "netlend allow 'veth:[!0-9A-Za-z._@-]|reboot' --to 'db1' --inside 'eth0' --address none");
  LinkState device = lan0();
  device.name = "-lan*";
  BOOST_TEST(command(parse_nic_spec("eth0=lan0"), &device) ==
             "netlend allow '[-]lan[*]' --to 'db1' --inside 'eth0' --address none");
}

BOOST_AUTO_TEST_CASE(a_rule_matches_what_the_device_is_not_what_was_asked_for) {
  const LinkState device = lan0();
  for (const char* glob : {"lan0", "lan*", "dev:lan0", "the-port-*", "alt:the-port-*",
                           "02:00:00:00:00:bb", "mac:02:00:00:00:00:BB", "0000:0A:00.*",
                           "pci:0000:0a:00.1", "driver:ixgbe", "driver:ix*", "*"}) {
    BOOST_TEST(allows("{\"device\":\""s + glob + "\"}", "eth0=lan0", &device), glob);
  }
  // The address that it has now can be anybody's; its permanent one counts.
  for (const char* glob : {"lan1", "lan", "LAN0", "alt:lan0", "dev:the-port*", "02:00:00:00:00:aa",
                           "pci:0000:0a:00.0", "driver:igb", "ixgbe"}) {
    BOOST_TEST(!allows("{\"device\":\""s + glob + "\"}", "eth0=lan0", &device), glob);
  }
  LinkState other = lan0();
  other.name = "uplink";
  BOOST_TEST(!allows(R"({"device":"lan0"})", "eth0=lan0", &other));
}

BOOST_AUTO_TEST_CASE(a_rule_can_be_for_some_containers_and_names_inside) {
  const LinkState device = lan0();
  BOOST_TEST(allows(R"({"device":"lan0","to":"db*"})", "eth0=lan0", &device));
  BOOST_TEST(!allows(R"({"device":"lan0","to":"web*"})", "eth0=lan0", &device));
  BOOST_TEST(!allows(R"({"device":"lan0","to":"db"})", "eth0=lan0", &device));
  BOOST_TEST(allows(R"({"device":"lan0","inside":"eth?"})", "eth0=lan0", &device));
  BOOST_TEST(!allows(R"({"device":"lan0","inside":"eth?"})", "wan0=lan0", &device));
}

BOOST_AUTO_TEST_CASE(a_device_without_a_driver_matches_no_driver) {
  const LinkState device = lan0();
  const Policy policy{
      parse_configuration(R"({"netlend":1,"allow":[{"device":"driver:*"}]})").rules};
  BOOST_CHECK_THROW(
      policy.check({ContainerId{"db1"}}, {{parse_nic_spec("eth0=lan0"), &device, ""}}), Error);
}

BOOST_AUTO_TEST_CASE(a_rule_can_be_for_some_addresses_inside) {
  const LinkState device = lan0();
  const std::string rule = R"({"device":"lan0","addresses":["10.77.0.0/24","2001:db8::/64"]})";
  for (const char* words :
       {"", "addr=10.77.0.2/24", "addr=10.77.0.2/8 addr=2001:db8::7/48 addr=10.77.0.255/32"}) {
    BOOST_TEST(allows(rule, "eth0=lan0 "s + words, &device), words);
  }
  for (const char* words :
       {"addr=10.77.1.2/16", "addr=10.77.0.2/24 addr=10.78.0.2/24", "addr=2001:db8:0:1::7/64",
        "addr=::ffff:10.77.0.2/128", "keep=addresses", "addr=10.77.0.2/24 keep=addresses"}) {
    BOOST_TEST(!allows(rule, "eth0=lan0 "s + words, &device), words);
  }
  const std::string none = R"({"device":"lan0","addresses":[]})";
  BOOST_TEST(allows(none, "eth0=lan0", &device));
  BOOST_TEST(!allows(none, "eth0=lan0 addr=10.77.0.2/24", &device));
  BOOST_TEST(allows(R"({"veth":true,"addresses":["10.0.0.0/8"]})", "eth0=veth: addr=10.7.7.7/24",
                    nullptr));
  BOOST_TEST(!allows(R"({"veth":true,"addresses":["10.0.0.0/8"]})", "eth0=veth: addr=11.7.7.7/24",
                     nullptr));
}

BOOST_AUTO_TEST_CASE(where_only_the_address_is_too_much_the_refusal_keeps_the_limit) {
  const LinkState device = lan0();
  const Policy policy{
      parse_configuration(R"({"netlend":1,"allow":[{"device":"lan0","addresses":["10.0.0.0/8"]}]})")
          .rules};
  try {
    policy.check({ContainerId{"db1"}},
                 {{parse_nic_spec("eth0=lan0 addr=10.0.0.1/24 addr=11.0.0.1/24"), &device}});
    BOOST_FAIL("allowed");
  } catch (const Error& error) {
    const std::string text = error.what();
    BOOST_TEST(text.find("lets an annotation ask for it with these addresses;") !=
               std::string::npos);
    BOOST_TEST(
        text.ends_with("type: netlend allow 'lan0' --to 'db1' --inside 'eth0' "
                       "--address 10.0.0.1/32 --address 11.0.0.1/32"));
  }
}

BOOST_AUTO_TEST_CASE(addresses_of_home_are_kept_inside_only_where_a_rule_says_so) {
  const LinkState device = lan0();
  const std::string rule = R"({"device":"lan0","addresses":["10.0.0.0/8"],"keep_addresses":true})";
  for (const char* words : {"", "keep=addresses", "keep=addresses addr=10.0.0.1/8"}) {
    BOOST_TEST(allows(rule, "eth0=lan0 "s + words, &device), words);
  }
  BOOST_TEST(!allows(rule, "eth0=lan0 keep=addresses addr=11.0.0.1/8", &device));
  BOOST_TEST(!allows(R"({"device":"lan0","addresses":[],"keep_addresses":false})",
                     "eth0=lan0 keep=addresses", &device));
}

BOOST_AUTO_TEST_CASE(of_several_devices_all_that_are_not_allowed_are_named) {
  const Policy policy{parse_configuration(kAllowLan).rules};
  const LinkState lan = lan0();
  LinkState wan = lan0();
  wan.name = "wan0";
  const auto first = parse_nic_spec("eth0=wan0 addr=10.0.0.1/24");
  const auto allowed = parse_nic_spec("eth1=lan0");
  const auto pair = parse_nic_spec("eth2=veth:h0");
  try {
    policy.check({ContainerId{"db1"}}, {{first, &wan}, {allowed, &lan}, {pair}});
    BOOST_FAIL("allowed");
  } catch (const Error& error) {
    BOOST_TEST(error.what() ==
               "lend 'wan0', 'veth:h0' to container 'db1': no rule in /etc/netlend lets an "
               "annotation ask for them; if it may, type: netlend allow 'wan0' --to 'db1' --inside "
               "'eth0' --address 10.0.0.1/32; netlend allow 'veth:h0' --to 'db1' --inside 'eth2' "
               "--address none"s);
  }
}

BOOST_AUTO_TEST_CASE(a_setting_is_as_the_last_file_has_it) {
  const Folder folder;
  const auto guardian = [&] { return load_configuration(folder.path).settings.guardian; };
  BOOST_TEST(guardian());
  folder.write("netlend.conf", R"({"netlend":1,"guardian":false})");
  BOOST_TEST(!guardian());
  folder.write("conf.d/10-lan.conf", kAllowLan);
  BOOST_TEST(!guardian());
  folder.write("conf.d/20-guardian.conf", R"({"netlend":1,"guardian":true})");
  BOOST_TEST(guardian());
  BOOST_TEST(folder.lends_lan0());
}

BOOST_AUTO_TEST_CASE(a_pair_needs_a_rule_of_its_own_and_more_for_what_it_touches_at_home) {
  const LinkState device = lan0();
  BOOST_TEST(allows(R"({"veth":true})", "eth0=veth:", nullptr));
  BOOST_TEST(!allows(R"({"device":"*"})", "eth0=veth:", nullptr));
  BOOST_TEST(!allows(R"({"veth":true})", "eth0=veth:h0", nullptr));
  BOOST_TEST(allows(R"({"veth":true,"host_name":"h?"})", "eth0=veth:h0", nullptr));
  BOOST_TEST(allows(R"({"veth":true,"host_name":"h?"})", "eth0=veth:", nullptr));
  BOOST_TEST(!allows(R"({"veth":true,"host_name":"h?"})", "eth0=veth:wg0", nullptr));
  BOOST_TEST(!allows(R"({"veth":true})", "eth0=lan0", &device));
  BOOST_TEST(!allows(R"({"veth":true})", "eth0=veth: bridge=br0", nullptr));
  BOOST_TEST(allows(R"({"veth":true,"bridge":"br*"})", "eth0=veth: bridge=br0", nullptr));
  BOOST_TEST(!allows(R"({"veth":true,"bridge":"br*"})", "eth0=veth: bridge=dmz0", nullptr));
  BOOST_TEST(!allows(R"({"veth":true})", "eth0=veth: host-addr=10.0.0.1/24", nullptr));
  BOOST_TEST(allows(R"({"veth":true,"host_addresses":true})", "eth0=veth: host-addr=10.0.0.1/24",
                    nullptr));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_understood_is_refused_at_its_place) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      parse_configuration(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  BOOST_TEST(error_of("// none yet\n{\"netlend\":1}") == "accepted");
  BOOST_TEST(error_of("").starts_with("parse error"));
  BOOST_TEST(error_of("{}") == "/netlend: is missing");
  BOOST_TEST(error_of(R"({"netlend":2})") == "/netlend: this netlend reads version 1");
  BOOST_TEST(error_of(R"({"netlend":1,"deny":[]})").starts_with("/deny: unknown"));
  BOOST_TEST(error_of(R"({"netlend":1,"guardian":"no"})").starts_with("/guardian: expected"));
  BOOST_TEST(error_of(R"({"netlend":1,"allow":[{"device":"*","addresses":["10.0.0.5/24"]}]})") ==
             "/allow/0/addresses/0: '10.0.0.5/24' has host bits; the prefix is 10.0.0.0/24");
  for (const auto& [rule, error] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"({"device":"lan["})", "/allow/0/device: 'lan[': no ']' closes the '['"},
           {R"({"device":""})", "/allow/0/device: an empty pattern matches nothing"},
           {R"({"device":"*","to":"db 1"})", "/allow/0/to: nothing can match 'db 1': ids of"},
           {R"({"device":"*","cgroup":"lan/db"})",
            "/allow/0/cgroup: nothing can match 'lan/db': a"},
           {R"({"device":"*","cgroup":"/a/../b"})", "/allow/0/cgroup: nothing can match '/a/../b'"},
           {R"({"device":"*","bundle":"/srv/[db"})", "/allow/0/bundle: '/srv/[db': no ']' closes"},
           {R"({"device":"*","bundle":"/srv/"})", "/allow/0/bundle: nothing can match '/srv/'"},
           {R"({"device":"*","inside":"a/b"})", "/allow/0/inside: nothing can match 'a/b': names"},
           {R"({"veth":true,"host_name":"lo"})", "/allow/0/host_name: no device that is lent is"},
           {R"({"veth":true,"bridge":"a_16_byte_name__"})", "/allow/0/bridge: nothing can match"},
           {R"({"device":"*","addresses":["127.0.0.0/8"]})", "/allow/0/addresses/0: no device"}}) {
    const auto text = error_of(R"({"netlend":1,"allow":[)" + rule + "]}");
    BOOST_TEST(text.starts_with(error), text);
  }
  BOOST_TEST(error_of(R"({"netlend":1,"allow":{}})").starts_with("/allow: expected an array"));
  for (const char* rule :
       {"{}", R"({"to":"*"})", R"({"device":"*","veth":true})", R"({"veth":false})",
        R"({"device":"*","bridge":"*"})", R"({"device":"*","host_addresses":true})",
        R"({"device":"*","host_name":"*"})", R"({"device":["*"]})", R"({"device":"*","to":null})",
        R"({"device":"*","From":"*"})", R"({"device":"*","keep_addresses":true})",
        R"({"veth":true,"addresses":[],"keep_addresses":true})",
        R"({"device":"*","addresses":[],"keep_addresses":1})"}) {
    const std::string text = R"({"netlend":1,"allow":[)"s + rule + "]}";
    BOOST_TEST(error_of(text).starts_with("/allow/0"), rule << ": " << error_of(text));
  }
}

BOOST_AUTO_TEST_CASE(rules_come_from_the_file_and_the_parts) {
  const Folder folder;
  BOOST_TEST(!folder.lends_lan0());
  folder.write("conf.d/10-lan.conf", kAllowLan);
  BOOST_TEST(folder.lends_lan0());
  folder.write("conf.d/10-lan.conf", R"({"netlend":1})");
  folder.write("conf.d/lan.json", kAllowLan);
  BOOST_TEST(!folder.lends_lan0());
  folder.write("netlend.conf", kAllowLan);
  BOOST_TEST(folder.lends_lan0());
}

BOOST_AUTO_TEST_CASE(without_a_folder_there_are_no_rules) {
  const Folder folder;
  std::filesystem::remove_all(folder.path);
  BOOST_TEST(folder.error_of_load() == "loaded");
  BOOST_TEST(!folder.lends_lan0());
}

BOOST_AUTO_TEST_CASE(a_file_that_others_could_write_is_refused) {
  const Folder folder;
  const std::string file = folder.path + "/netlend.conf";
  folder.write("netlend.conf", kAllowLan);
  for (const mode_t mode : {0666U, 0664U, 0646U}) {
    ::chmod(file.c_str(), mode);
    BOOST_TEST(folder.error_of_load().find("chmod go-w") != std::string::npos);
  }
  ::chmod(file.c_str(), 0600);
  BOOST_TEST(folder.error_of_load() == "loaded");
  BOOST_REQUIRE(::chown(file.c_str(), 1000, 0) == 0);
  BOOST_TEST(folder.error_of_load().find("belongs to user 1000") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_folder_on_the_way_that_others_could_write_is_refused) {
  const Folder folder;
  folder.write("netlend.conf", kAllowLan);
  for (const std::string& way : {folder.path + "/conf.d", folder.path, "/run/policy"s}) {
    ::chmod(way.c_str(), 0777);
    BOOST_TEST(folder.error_of_load().starts_with("'" + way + "' belongs to user 0 and has mode"));
    ::chmod(way.c_str(), 0755);
  }
  BOOST_TEST(folder.error_of_load() == "loaded");
}

BOOST_AUTO_TEST_CASE(a_file_that_an_acl_lets_others_write_is_refused) {
  const Folder folder;
  folder.write("netlend.conf", kAllowLan);
  // Version 2: user::rw-, user:1000:rw-, group::r--, mask::rw-, other::r--. The mask is what a mode
  // has for its group. Source: linux/posix_acl_xattr.h.
  const std::string acl =
      "\2\0\0\0"
      "\1\0\6\0\xff\xff\xff\xff"
      "\2\0\6\0\xe8\3\0\0"
      "\4\0\4\0\xff\xff\xff\xff"
      "\x10\0\6\0\xff\xff\xff\xff"
      "\x20\0\4\0\xff\xff\xff\xff"s;
  BOOST_REQUIRE(::setxattr((folder.path + "/netlend.conf").c_str(), "system.posix_acl_access",
                           acl.data(), acl.size(), 0) == 0);
  BOOST_TEST(folder.error_of_load().find("has mode 0664") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_symlink_anywhere_on_the_way_is_refused) {
  namespace fs = std::filesystem;
  const Folder folder;
  folder.write("netlend.conf", R"({"netlend":1})");
  folder.write("conf.d/10-lan.conf", kAllowLan);
  const auto is_refused = [&](const std::string& name) {
    fs::rename(name, name + ".away");
    for (const std::string& target : {name + ".away", "/nowhere"s}) {
      fs::create_symlink(target, name);
      BOOST_TEST(folder.error_of_load() != "loaded", name);
      fs::remove(name);
    }
    fs::rename(name + ".away", name);
  };
  is_refused(folder.path + "/conf.d/10-lan.conf");
  is_refused(folder.path + "/conf.d");
  is_refused(folder.path);
  is_refused("/run/policy");
  BOOST_TEST(folder.lends_lan0());
}

BOOST_AUTO_TEST_CASE(symlinks_and_what_is_no_file_are_refused) {
  const Folder folder;
  const std::string file = folder.path + "/netlend.conf";
  folder.write("elsewhere", kAllowLan);
  std::filesystem::create_symlink("elsewhere", file);
  BOOST_TEST(folder.error_of_load().starts_with("'" + file + "' is a symbolic link"));
  ::unlink(file.c_str());
  ::mkfifo(file.c_str(), 0600);
  BOOST_TEST(folder.error_of_load().starts_with("'" + file + "' is no regular file"));
  ::unlink(file.c_str());
  std::filesystem::create_directory(file);
  BOOST_TEST(folder.error_of_load().starts_with("'" + file + "' is no regular file"));
  std::filesystem::remove(file);
  folder.write("netlend.conf", "{\"netlend\":1,");
  BOOST_TEST(folder.error_of_load().starts_with("'" + file + "': parse error at line 1"));
}

BOOST_AUTO_TEST_SUITE_END()
