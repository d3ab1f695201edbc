#include "privilege/seccomp.hpp"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscall.hpp"

namespace netlend {

void install_seccomp(const SeccompProgram& program) {
  if (program.size() > BPF_MAXINSNS) throw Error("install a seccomp filter: it is too long");
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          // The kernel only reads it: linux/filter.h has no const form.
                          .filter = const_cast<sock_filter*>(program.data())};
  check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "install", "a seccomp filter");
}

}  // namespace netlend
