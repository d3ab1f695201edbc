#include "lifecycle/resolv_conf.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
std::vector<std::string_view> name_servers(std::string_view text) {
  std::vector<std::string_view> servers;
  for (const auto line : split_words(text, "\n")) {
    const auto words = split_words(line, " \t\r");
    if (words.size() > 1 && words[0] == "nameserver") servers.push_back(words[1]);
  }
  return servers;
}

bool is_loopback(std::string_view server) {
  try {
    return IpAddress(server).is_loopback();
  } catch (const Error&) {
    // With a scope, "fe80::1%eth0", or nonsense: not ours to judge.
    return false;
  }
}
}  // namespace

ResolvConf choose_resolv_conf(const std::vector<IpAddress>& dns,
                              const std::optional<std::string>& host) {
  if (!dns.empty()) {
    std::string content;
    for (const auto& server : dns) content += fmt::format("nameserver {}\n", server.str());
    return {.content = std::move(content), .note = std::nullopt};
  }
  if (!host) return {};
  const auto servers = name_servers(*host);
  if (servers.empty() || !std::ranges::all_of(servers, is_loopback)) {
    return {.content = host, .note = std::nullopt};
  }
  return {.content = std::string{},
          .note = fmt::format("no name server inside: the host's own ({}) can't be reached from "
                              "there; give one by --dns IP",
                              printable(servers.front()))};
}

}  // namespace netlend
