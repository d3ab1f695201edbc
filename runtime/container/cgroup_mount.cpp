#include "container/cgroup_mount.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <vector>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/hierarchy.hpp"
#include "container/mount_options.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
constexpr std::string_view kNamed = "name=";

/// As distributions name its folder.
std::string folder_of(const Hierarchy& hierarchy) {
  if (hierarchy.is_version_2()) return "unified";
  const auto& name = hierarchy.name();
  return name.starts_with(kNamed) ? name.substr(kNamed.size()) : name;
}

void set_attributes(int tree, const ConfigMountOptions& options) {
  change_mount(tree,
               {.attr_set = options.one_mount.set | options.recursive.set,
                .attr_clr = 0,
                .propagation = MS_PRIVATE,
                .userns_fd = 0},
               Depth::one_mount);
}

void bind_group(const UniqueFd& group, const UniqueFd& target, const ConfigMountOptions& options) {
  const auto tree = clone_tree(group.get(), Depth::one_mount);
  set_attributes(tree.get(), options);
  attach(tree.get(), target.get());
}

/// "cpu" and "cpuacct" lead to "cpu,cpuacct".
void link_controllers(int folder, const std::string& name) {
  const auto controllers = split_words(name, ",");
  if (controllers.size() < 2) return;
  for (const auto controller : controllers) {
    check(::symlinkat(name.c_str(), folder, std::string(controller).c_str()), "make the link",
          controller);
  }
}

void mount_each(const UniqueFd& target, const std::vector<Hierarchy>& hierarchies,
                const std::string& cgroup_path, const ConfigMountOptions& options) {
  const auto folder = make_filesystem("tmpfs", {{"mode", "0755"}}, kNoSuidDevExec);
  attach(folder.get(), target.get());
  for (const auto& hierarchy : hierarchies) {
    const auto group = hierarchy.open(cgroup_path);
    if (!group) continue;
    const auto name = folder_of(hierarchy);
    bind_group(*group, make_in_root(folder.get(), "/" + name, MountPoint::folder), options);
    link_controllers(folder.get(), name);
  }
  set_attributes(folder.get(), options);
}
}  // namespace

void mount_cgroups(const MountPlace& place, const oci::Mount& mount,
                   const std::string& cgroup_path) {
  const auto options = sort_mount_options(mount.options);
  const auto target = make_in_root(place.root, mount.destination, MountPoint::folder);
  const auto hierarchies = Hierarchy::all();
  const bool is_version_2_alone = hierarchies.size() == 1 && hierarchies.front().is_version_2();
  const auto group = is_version_2_alone ? hierarchies.front().open(cgroup_path) : std::nullopt;
  if (group) return bind_group(*group, target, options);
  mount_each(target, hierarchies, cgroup_path, options);
}

}  // namespace netlend
