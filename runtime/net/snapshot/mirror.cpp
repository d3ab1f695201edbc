#include "net/snapshot/mirror.hpp"

#include <fmt/core.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include <algorithm>

namespace netlend {

namespace {
constexpr const char* kKind = "mirred";
constexpr int kFirst = 1;  // Actions are numbered from 1.

Message about_actions(std::uint16_t type, std::uint16_t flags, std::string doing) {
  Message message(type, flags, std::move(doing));
  message.header(tcamsg{});
  message.begin(TCA_ACT_TAB).begin(kFirst).put_string(TCA_ACT_KIND, kKind);
  return message;
}

std::vector<tc_mirred> parse_actions(const Reply& reply) {
  std::vector<tc_mirred> found;
  const Attributes actions = reply.attributes(sizeof(tcamsg)).nested(TCA_ACT_TAB);
  for (const auto& action : actions.all()) {
    const Attributes options = Attributes(action.second).nested(TCA_ACT_OPTIONS);
    const auto bytes = options.find(TCA_MIRRED_PARMS).value_or("");
    tc_mirred parameters{};
    if (bytes.size() < sizeof parameters) continue;
    std::memcpy(&parameters, bytes.data(), sizeof parameters);
    found.push_back(parameters);
  }
  return found;
}

std::vector<tc_mirred> list_actions(RouteSocket& socket) {
  std::vector<tc_mirred> found;
  Message message = about_actions(RTM_GETACTION, 0, "list the actions of traffic control");
  message.end().end();
  try {
    for (const auto& reply : socket.dump(message)) {
      const auto actions = parse_actions(reply);
      found.insert(found.end(), actions.begin(), actions.end());
    }
  } catch (const Error& error) {  // A kernel without them.
    if (error.errno_value() != EOPNOTSUPP && error.errno_value() != ENOENT) throw;
  }
  return found;
}

/// Without what the kernel says of it.
RawRecord make_mirror(tc_mirred parameters) {
  parameters.ifindex = 0;
  parameters.refcnt = 0;
  parameters.bindcnt = 0;
  return make_record(parameters, {});
}

constexpr IfIndex kNowhere{0};

/// That of a filter which was restored with its own device has another number.
RawRecord without_number(const RawRecord& mirror) {
  auto parameters = header_of<tc_mirred>(mirror);
  parameters.index = 0;
  return make_record(parameters, {});
}

std::vector<RawRecord> severed(RouteSocket& socket, const std::vector<RawRecord>& mirrors) {
  if (mirrors.empty()) return {};
  const auto now = list_mirrors(socket, kNowhere);
  std::vector<RawRecord> found;
  std::copy_if(mirrors.begin(), mirrors.end(), std::back_inserter(found),
               [&](const auto& each) { return contains(now, each); });
  return found;
}

Message join(IfIndex device, const RawRecord& mirror, std::string doing) {
  auto parameters = header_of<tc_mirred>(mirror);
  parameters.ifindex = static_cast<std::uint32_t>(device.value);
  Message message = about_actions(RTM_NEWACTION, NLM_F_REPLACE, std::move(doing));
  message.begin(TCA_ACT_OPTIONS)
      .put(TCA_MIRRED_PARMS, {reinterpret_cast<const char*>(&parameters), sizeof parameters})
      .end();
  return std::move(message.end().end());
}
}  // namespace

std::vector<RawRecord> list_mirrors(RouteSocket& socket, IfIndex device) {
  std::vector<RawRecord> found;
  for (const auto& action : list_actions(socket)) {
    if (action.ifindex == static_cast<std::uint32_t>(device.value)) {
      found.push_back(make_mirror(action));
    }
  }
  return found;
}

std::string describe_mirror(const RawRecord& mirror) {
  const auto parameters = header_of<tc_mirred>(mirror);
  const bool is_redirect =
      parameters.eaction == TCA_EGRESS_REDIR || parameters.eaction == TCA_INGRESS_REDIR;
  return fmt::format("action {} of traffic control, which {} to it",
                     std::uint32_t{parameters.index}, is_redirect ? "redirects" : "mirrors");
}

std::vector<std::string> mirror_differences(RouteSocket& socket,
                                            const std::vector<RawRecord>& mirrors) {
  std::vector<std::string> found;
  for (const auto& mirror : severed(socket, mirrors)) {
    found.push_back(describe_mirror(mirror) + ", sends nowhere");
  }
  return found;
}

std::vector<std::string> removed_mirrors(RouteSocket& socket, IfIndex device,
                                         const std::vector<RawRecord>& mirrors) {
  if (mirrors.empty()) return {};
  auto have = list_mirrors(socket, device);
  for (auto& severed : list_mirrors(socket, kNowhere)) have.push_back(std::move(severed));
  std::vector<std::string> removed;
  for (const auto& mirror : mirrors) {
    const bool is_there = std::any_of(have.begin(), have.end(), [&](const RawRecord& each) {
      return without_number(each) == without_number(mirror);
    });
    if (!is_there) removed.push_back(describe_mirror(mirror));
  }
  return removed;
}

void restore_mirrors(Restoration& restoration, const std::vector<RawRecord>& mirrors) {
  attempt(restoration.failures, [&] {
    for (const auto& mirror : severed(restoration.site.socket, mirrors)) {
      restoration.call(join(restoration.ifindex, mirror,
                            restoration.doing("the target of " + describe_mirror(mirror))));
    }
  });
}

}  // namespace netlend
