#include "lifecycle/container_store.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/start_gate.hpp"

namespace netlend {

namespace {
constexpr const char* kRecord = "state.json";
constexpr const char* kConfig = "config.json";
constexpr std::size_t kFileMaxBytes = std::size_t{4} << 20;
constexpr mode_t kPrivateMode = 0700;
constexpr int kLockTimeoutMs = 10'000;
constexpr timespec kPollInterval{.tv_sec = 0, .tv_nsec = 5'000'000};

UniqueFd open_root(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw_errno(error.value(), "make the folder for containers", path);
  auto folder = open_directory(AT_FDCWD, path);
  struct stat status {};
  check(::fstat(folder.get(), &status), "stat", path);
  constexpr mode_t kWritableByOthers = 0022;
  if (status.st_uid != ::geteuid() || (status.st_mode & kWritableByOthers) != 0) {
    throw Error(fmt::format(
        "--root '{}' belongs to user {} and has mode {:04o}, so others could forge containers; "
        "'chown root {}' and 'chmod 0700 {}'",
        printable(path), status.st_uid, status.st_mode & 07777U, printable(path), printable(path)));
  }
  return folder;
}

std::optional<UniqueFd> open_if_exists(int folder, const std::string& name) {
  UniqueFd fd{::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (fd.is_open()) return fd;
  if (errno == ENOENT) return std::nullopt;
  throw_errno(errno, "open the folder of container", name);
}

bool is_dead(const std::optional<ProcessIdentity>& process) {
  return !process || liveness(*process) == Liveness::dead;
}

ContainerStatus status_of(const ContainerRecord& record, bool has_start_gate) {
  const bool is_made = !record.created.empty();
  if (!is_made && !is_dead(record.creator)) return ContainerStatus::creating;
  if (is_dead(record.init)) return ContainerStatus::stopped;
  if (!is_made) return ContainerStatus::creating;
  return has_start_gate ? ContainerStatus::created : ContainerStatus::running;
}

std::optional<ContainerView> load_view(int folder, const std::string& id) {
  const auto text = read_file_if_exists(folder, kRecord, kFileMaxBytes);
  if (!text) return std::nullopt;
  try {
    auto record = parse_record(*text);
    const bool has_start_gate = ::faccessat(folder, kStartGate, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    const auto status = status_of(record, has_start_gate);
    return ContainerView{.record = std::move(record), .status = status};
  } catch (const Error& error) {
    throw error.within(fmt::format("the record of container '{}' is broken", id));
  }
}

/// Nobody can have a use for it: its netlend, which alone ends such a container, is gone.
bool is_left_over(const std::optional<ContainerView>& view) {
  return !view || (view->record.bundle.empty() && view->status == ContainerStatus::stopped);
}
}  // namespace

std::string_view status_name(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::creating:
      return "creating";
    case ContainerStatus::created:
      return "created";
    case ContainerStatus::running:
      return "running";
    case ContainerStatus::stopped:
      return "stopped";
  }
  return "unknown";
}

std::optional<pid_t> ContainerView::pid() const {
  if (is_dead(record.init)) return std::nullopt;
  return record.init->pid;
}

ContainerStore::ContainerStore(const StateDirectory& state)
    : path_(state.path() + "/containers"), folder_(open_directory(state.containers(), ".")) {}

ContainerStore::ContainerStore(const std::string& path) : path_(path), folder_(open_root(path)) {}

std::vector<ContainerId> ContainerStore::ids() const {
  std::vector<ContainerId> found;
  for (const auto& name : list_names(folder_.get())) found.emplace_back(name);
  return found;
}

std::optional<ContainerView> ContainerStore::find(const ContainerId& id) const {
  const auto folder = open_if_exists(folder_.get(), id.str());
  return folder ? load_view(folder->get(), id.str()) : std::nullopt;
}

ContainerView ContainerStore::get(const ContainerId& id) const {
  auto view = find(id);
  // Engines look for "does not exist" in it.
  if (!view) throw Error(fmt::format("container '{}' does not exist", id.str()), ENOENT);
  return *std::move(view);
}

bool ContainerFolder::try_lock() const {
  if (retry([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw_errno(errno, "lock the folder of container", id_.str());
}

/// False once it has been removed, or removed and made anew, before we got the lock.
bool ContainerFolder::is_current() const {
  struct stat ours {};
  struct stat named {};
  check(::fstat(fd_.get(), &ours), "stat the folder of container", id_.str());
  if (::fstatat(store_->fd(), id_.str().c_str(), &named, AT_SYMLINK_NOFOLLOW) == -1) return false;
  return ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

ContainerFolder ContainerFolder::make(const ContainerStore& store, const ContainerId& id) {
  for (;;) {
    const bool is_new = ::mkdirat(store.fd(), id.str().c_str(), kPrivateMode) == 0;
    if (!is_new && errno != EEXIST) throw_errno(errno, "make the folder of container", id.str());
    auto fd = open_if_exists(store.fd(), id.str());
    if (!fd) continue;
    ContainerFolder folder(store, id, std::move(*fd));
    if (!folder.try_lock() || (!is_new && !is_left_over(folder.load()))) {
      throw Error(fmt::format("a container '{}' exists already", id.str()), EEXIST);
    }
    if (!folder.is_current()) continue;
    if (is_new) return folder;
    folder.remove();
  }
}

std::optional<ContainerFolder> ContainerFolder::open(const ContainerStore& store,
                                                     const ContainerId& id) {
  const auto deadline = monotonic_ms() + kLockTimeoutMs;
  for (;;) {
    auto fd = open_if_exists(store.fd(), id.str());
    if (!fd) return std::nullopt;
    ContainerFolder folder(store, id, std::move(*fd));
    if (folder.try_lock()) {
      if (folder.is_current()) return folder;
      continue;
    }
    if (monotonic_ms() >= deadline) {
      throw Error(fmt::format("another netlend is working on container '{}'; try again", id.str()),
                  ETIMEDOUT);
    }
    ::nanosleep(&kPollInterval, nullptr);
  }
}

std::optional<ContainerView> ContainerFolder::load() const {
  return load_view(fd_.get(), id_.str());
}

void ContainerFolder::save(const ContainerRecord& record) const {
  replace_file(fd_.get(), kRecord, format_record(record));
}

void ContainerFolder::save_config(const std::string& text) const {
  replace_file(fd_.get(), kConfig, text);
}

std::string ContainerFolder::load_config() const {
  return read_file(fd_.get(), kConfig, kFileMaxBytes);
}

void ContainerFolder::close_start_gate() const { remove_file(fd_.get(), kStartGate); }

void ContainerFolder::remove() const {
  for (const auto& name : list_names(fd_.get())) {
    if (name != kRecord) remove_file(fd_.get(), name);
  }
  // Last: as long as it is there the container can be deleted again.
  remove_file(fd_.get(), kRecord);
  if (::unlinkat(store_->fd(), id_.str().c_str(), AT_REMOVEDIR) == -1 && errno != ENOENT) {
    throw_errno(errno, "remove the folder of container", id_.str());
  }
}

std::optional<ProcessIdentity> find_container(const ContainerStore& store, const ContainerId& id) {
  const auto view = store.find(id);
  return view && view->pid() ? view->record.init : std::nullopt;
}

Failures forget_dead_containers(const ContainerStore& store) noexcept {
  Failures failures;
  attempt(failures, [&] {
    for (const auto& id : store.ids()) {
      attempt(failures, [&] {
        if (!is_left_over(store.find(id))) return;
        const auto folder = ContainerFolder::open(store, id);
        if (folder && is_left_over(folder->load())) folder->remove();
      });
    }
  });
  return failures;
}

}  // namespace netlend
