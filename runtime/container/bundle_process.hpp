#pragma once

#include <string>
#include <vector>

#include "oci-spec/config.hpp"

/// Makes this process what the object `process` of config.json says, in the container's root. Each
/// throws Error with the JSON pointer.
namespace netlend {

/// A session keyring that nobody outside has. A kernel without keys is success.
/// Source: keyctl(2), KEYCTL_JOIN_SESSION_KEYRING.
void make_session_keyring(const std::string& id);

/// Before the container's root is entered: it needs the host's /proc.
void set_oom_score(const oci::Process& process);

/// Working folder (made if it is missing), resource limits, umask, user, groups, capabilities and
/// no_new_privs, in this order: each step may need what a later one takes.
void become_user_process(const oci::Process& process);

/// The process's environment, with each variable as it is set last, and HOME from the container's
/// /etc/passwd if it has none or an empty one.
std::vector<std::string> environment_of(const oci::Process& process);

}  // namespace netlend
