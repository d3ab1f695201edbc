#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/container_id.hpp"
#include "net/kernel/link.hpp"
#include "net/lending.hpp"
#include "net/plan/plan.hpp"
#include "net/policy/asker.hpp"

namespace netlend {

/// One thing that annotations may ask for. The patterns are globs.
struct PolicyRule {
  /// As check_device_pattern() takes it. Absent: the rule is for veth pairs, or for addresses.
  std::optional<std::string> device;
  /// The name that the host end of a pair may be given, which a firewall there may go by; absent:
  /// only one that is made up.
  std::optional<std::string> host_name;
  /// The bridge that the host end of a pair may be attached to; absent: to none.
  std::optional<std::string> bridge;
  /// Whether the host end of a pair may be given addresses: they draw traffic of the host's.
  bool host_addresses = false;
  /// The container's id; absent: any.
  std::optional<std::string> to;
  /// Where the container is in the cgroups; absent: anywhere.
  std::optional<std::string> cgroup;
  /// The folder of its config.json, without symlinks; absent: any.
  std::optional<std::string> bundle;
  /// The name inside; absent: any.
  std::optional<std::string> inside;
  /// Without host bits, sorted, each once: every address that is asked for inside is in one of
  /// them; absent: any.
  std::optional<std::vector<IpPrefix>> addresses;
  /// Where addresses are limited: whether those that the device has at home may be kept.
  bool keep_addresses = false;
  /// The rule is for addresses of this machine themselves (io.netlend.l3): those in `addresses`.
  bool lends_addresses = false;
  bool operator==(const PolicyRule&) const = default;
};

/// What the machine's owner lets annotations ask for; by default nothing, since whoever wrote a
/// container's image wrote some of its annotations (DESIGN.md, decision 9).
class Policy {
 public:
  explicit Policy(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {}

  /// Throws Error unless each request is allowed to the asker by a rule: it names all that aren't,
  /// with the commands that would allow them, joined to one that a shell takes.
  void check(const Asker& asker, const std::vector<WantedDevice>& requests) const;
  /// As check(), for addresses that are to be lent.
  void check_addresses(const Asker& asker, const std::vector<AddressPlan>& requests) const;

 private:
  std::vector<PolicyRule> rules_;
};

/// How netlend works on this machine.
struct Settings {
  /// Whether a process stays behind that brings the devices home if nobody else does (DESIGN.md,
  /// decision 6).
  bool guardian = true;
  bool operator==(const Settings&) const = default;
};

struct Configuration {
  Policy policy;
  Settings settings;
};

inline constexpr const char* kConfigurationFolder = "/etc/netlend";

/// FOLDER/netlend.conf and then FOLDER/conf.d/*.conf in the order of their names: the rules of all,
/// and each setting as the last of them has it; defaults where there are no such files. Throws
/// Error if a file or a folder on the way to it is a symlink, not root's or writable by others, and
/// for anything in a file that isn't understood.
Configuration load_configuration(const std::string& folder = kConfigurationFolder);

/// What one file says.
struct ConfigurationPart {
  std::vector<PolicyRule> rules;
  std::optional<bool> guardian;
  bool operator==(const ConfigurationPart&) const = default;
};

/// The text of a file: JSON that may have comments. Throws Error with a JSON pointer, also for a
/// rule that nothing can match.
ConfigurationPart parse_configuration(std::string_view json_text);

}  // namespace netlend
