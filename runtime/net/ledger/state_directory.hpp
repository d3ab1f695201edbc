#pragma once

#include <string>

#include "base/unique_fd.hpp"

namespace netlend {

/// /run/netlend and its folders: 0700, root's, no symlinks.
class StateDirectory {
 public:
  static constexpr const char* kDefaultPath = "/run/netlend";

  /// Makes what is missing. Throws Error that says what to do where a folder is somebody else's,
  /// open to others or a symlink (CVE-2015-1331), or the file system is read-only or full.
  explicit StateDirectory(const std::string& path = kDefaultPath);

  const std::string& path() const noexcept { return path_; }
  int root() const noexcept { return root_.get(); }
  int ledgers() const noexcept { return ledgers_.get(); }
  int devices() const noexcept { return devices_.get(); }
  int addresses() const noexcept { return addresses_.get(); }
  int pins() const noexcept { return pins_.get(); }
  int staging() const noexcept { return staging_.get(); }
  int containers() const noexcept { return containers_.get(); }

 private:
  std::string path_;
  UniqueFd root_, ledgers_, devices_, addresses_, pins_, staging_, containers_;
};

}  // namespace netlend
