#include "net/policy/policy_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

using nlohmann::ordered_json;

namespace {
constexpr mode_t kFileMode = 0644;
constexpr mode_t kFolderMode = 0755;

enum class IfMissing { give_up, make };

// Whoever could write to it could write a rule for themselves. Where an ACL lets somebody write,
// its mask does too, and that is what the mode has for the group.
void check_trusted(int fd, const std::string& path) {
  struct stat status {};
  check(::fstat(fd, &status), "stat", path);
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(fmt::format(
        "'{}' belongs to user {} and has mode {:04o}, so that others could write rules; 'chown "
        "root' it and 'chmod go-w' it",
        path, status.st_uid, status.st_mode & 07777U));
  }
}

// Whoever can write where it leads could write rules.
void refuse_symlink(int parent, const std::string& name, const std::string& path) {
  struct stat status {};
  check(::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW), "stat", path);
  if (!S_ISLNK(status.st_mode)) return;
  throw Error(fmt::format(
      "'{}' is a symbolic link, which no rules are read through; put there what it leads to",
      path));
}

std::optional<UniqueFd> open_trusted(int parent, const std::string& name, const std::string& path,
                                     int flags) {
  // One component a call and no symlinks: what is checked is what is read.
  UniqueFd fd{::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags)};
  if (!fd.is_open()) {
    const int error = errno;
    if (error == ENOENT) return std::nullopt;
    if (error == ELOOP || error == ENOTDIR) refuse_symlink(parent, name, path);
    throw_errno(error, "open", path);
  }
  check_trusted(fd.get(), path);
  return fd;
}

UniqueFd make_folder(int parent, const std::string& name, const std::string& path) {
  check(::mkdirat(parent, name.c_str(), kFolderMode), "make folder", path);
  auto folder = open_directory(parent, name);
  // The umask may have taken away what lets users read the rules.
  check(::fchmod(folder.get(), kFolderMode), "chmod", path);
  check(::fsync(parent), "fsync the folder of", path);
  return folder;
}

std::optional<UniqueFd> open_trusted_folder(const std::string& folder, IfMissing if_missing) {
  UniqueFd current{check(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", "/")};
  check_trusted(current.get(), "/");
  std::string path;
  for (const auto component : split_words(folder, "/")) {
    const std::string name{component};
    path.append("/").append(name);
    auto next = open_trusted(current.get(), name, path, O_DIRECTORY);
    if (!next && if_missing == IfMissing::give_up) return std::nullopt;
    current = next ? *std::move(next) : make_folder(current.get(), name, path);
  }
  return current;
}

std::optional<PolicyFile> read_policy_file(int folder, const std::string& name,
                                           const std::string& path) {
  // O_NONBLOCK: a FIFO has no writer to wait for.
  const auto file = open_trusted(folder, name, path, O_NONBLOCK);
  if (!file) return std::nullopt;
  struct stat status {};
  check(::fstat(file->get(), &status), "stat", path);
  if (!S_ISREG(status.st_mode)) {
    throw Error(fmt::format("'{}' is no regular file; put the rules themselves there", path));
  }
  try {
    return PolicyFile{
        .path = path,
        .part = parse_configuration(read_all(file->get(), JsonDocument::kBytesMax, path))};
  } catch (const Error& error) {
    throw error.within(fmt::format("'{}'", path));
  }
}

// On one line: also for messages. What is as it would be without being said is left out.
std::string format_rule(const PolicyRule& rule) {
  ordered_json object = ordered_json::object();
  const auto add = [&](const char* key, const std::optional<std::string>& pattern) {
    if (pattern) object[key] = *pattern;
  };
  add("device", rule.device);
  if (rule.lends_addresses) {
    object["l3"] = true;
  } else if (!rule.device) {
    object["veth"] = true;
  }
  add("host_name", rule.host_name);
  add("bridge", rule.bridge);
  if (rule.host_addresses) object["host_addresses"] = true;
  add("to", rule.to);
  add("cgroup", rule.cgroup);
  add("bundle", rule.bundle);
  add("inside", rule.inside);
  if (rule.addresses) {
    auto& addresses = object["addresses"] = ordered_json::array();
    for (const auto& prefix : *rule.addresses) addresses.push_back(prefix.str());
  }
  if (rule.keep_addresses) object["keep_addresses"] = true;
  try {
    constexpr int kOneLine = -1;
    constexpr bool kAsciiOnly = true;
    return object.dump(kOneLine, ' ', kAsciiOnly);
  } catch (const ordered_json::type_error&) {
    // The kernel takes any bytes as a device name, JSON only UTF-8.
    throw Error::usage("a pattern of the rule is not UTF-8; write '?' for a byte that is none");
  }
}

std::string conf_folder(const std::string& folder) { return folder + "/conf.d"; }

std::string allow_path(const std::string& folder) {
  return fmt::format("{}/{}", conf_folder(folder), kAllowFile);
}

// Nobody but root can open the state folder, and so nobody else can hold this up, as they could a
// lock on a file that everybody reads.
UniqueFd lock_rules(const StateDirectory& state) {
  UniqueFd lock = open_directory(state.root(), ".");
  check(retry([&] { return ::flock(lock.get(), LOCK_EX); }), "lock", state.path());
  return lock;
}

bool has_rule(const PolicyFile& file, const PolicyRule& rule) {
  return std::find(file.part.rules.begin(), file.part.rules.end(), rule) != file.part.rules.end();
}

ConfigurationPart part_in(const std::vector<PolicyFile>& files, const std::string& path) {
  for (const auto& file : files) {
    if (file.path == path) return file.part;
  }
  return {};
}

void write_allow_file(const std::string& folder, const ConfigurationPart& part) {
  const std::string text = format_configuration(part);
  if (text.size() > JsonDocument::kBytesMax) {
    throw Error(fmt::format("add a rule to '{}': it would be more than the {} bytes that are read",
                            allow_path(folder), JsonDocument::kBytesMax));
  }
  const auto parts = open_trusted_folder(conf_folder(folder), IfMissing::make);
  replace_file(parts->get(), kAllowFile, text, kFileMode);
}

void remove_allow_file(const std::string& folder) {
  const auto parts = open_trusted_folder(conf_folder(folder), IfMissing::make);
  remove_file(parts->get(), kAllowFile);
  check(::fsync(parts->get()), "fsync", conf_folder(folder));
}
}  // namespace

std::vector<PolicyFile> read_policy_files(const std::string& folder) {
  std::vector<PolicyFile> files;
  const auto add = [&](int parent, const std::string& name, const std::string& path) {
    if (auto file = read_policy_file(parent, name, path)) files.push_back(*std::move(file));
  };
  const auto root = open_trusted_folder(folder, IfMissing::give_up);
  if (!root) return files;
  add(root->get(), "netlend.conf", folder + "/netlend.conf");
  const std::string parts_path = conf_folder(folder);
  const auto parts = open_trusted(root->get(), "conf.d", parts_path, O_DIRECTORY);
  if (!parts) return files;
  for (const auto& name : list_names(parts->get())) {
    if (name.ends_with(".conf")) add(parts->get(), name, fmt::format("{}/{}", parts_path, name));
  }
  return files;
}

std::string format_configuration(const ConfigurationPart& part) {
  std::string text =
      "// Written by 'netlend allow' and 'netlend disallow', which keep no other comments.\n"
      "{\n"
      "  \"netlend\": 1,\n";
  if (part.guardian) text += fmt::format("  \"guardian\": {},\n", *part.guardian);
  text += "  \"allow\": [";
  std::string_view separator = "\n";
  for (const auto& rule : part.rules) {
    text.append(separator).append("    ").append(format_rule(rule));
    separator = ",\n";
  }
  return text + "\n  ]\n}\n";
}

void allow_rule(const StateDirectory& state, const PolicyRule& rule, const std::string& folder) {
  const UniqueFd lock = lock_rules(state);
  const auto files = read_policy_files(folder);
  if (std::any_of(files.begin(), files.end(),
                  [&](const PolicyFile& file) { return has_rule(file, rule); })) {
    return;
  }
  auto part = part_in(files, allow_path(folder));
  part.rules.push_back(rule);
  write_allow_file(folder, part);
}

void disallow_rule(const StateDirectory& state, const PolicyRule& rule, const std::string& folder) {
  const UniqueFd lock = lock_rules(state);
  const auto files = read_policy_files(folder);
  const std::string own_path = allow_path(folder);
  auto part = part_in(files, own_path);
  const bool was_there = std::erase(part.rules, rule) != 0;
  if (was_there && part == ConfigurationPart{}) {
    remove_allow_file(folder);
  } else if (was_there) {
    write_allow_file(folder, part);
  }
  for (const auto& file : files) {
    if (file.path == own_path || !has_rule(file, rule)) continue;
    throw Error(
        fmt::format("take back the rule {}: it stands in '{}', which is not written by "
                    "'netlend allow'; take it out there",
                    format_rule(rule), file.path));
  }
  if (was_there) return;
  throw Error(
      fmt::format("take back the rule {}: no file in '{}' has it; give the words that it "
                  "was allowed with",
                  format_rule(rule), folder));
}

}  // namespace netlend
