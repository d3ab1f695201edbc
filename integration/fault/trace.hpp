#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace netlend::test {

/// A system call that a traced process is about to make.
struct Call {
  pid_t pid = 0;
  std::uint64_t number = 0;
  std::array<std::uint64_t, 6> arguments{};
};

/// Whether a fault may strike there. Asked in the tracer, before each call but for reading ones,
/// and may then be asked twice.
using IsPoint = std::function<bool(const Call&)>;

/// What happens at a point.
enum class Deed {
  none,
  /// SIGKILL; the call isn't made.
  kill,
  /// The call isn't made and answers with the errno.
  fail,
  /// The netlink request isn't sent, and the kernel's answer to it is the errno.
  refuse,
  /// The netlink request is carried out, and the answer to it is lost: recvfrom gives the errno.
  lose_answer,
  /// The netlink request is carried out, and before the kernel's answer comes one that says that it
  /// failed with the errno: as any process of the machine can send it.
  foreign_answer,
  /// The same, as the kernel's answer to an earlier request.
  stale_answer,
  /// The netlink request is carried out, and its answer begins with a message that says that what
  /// is listed has changed meanwhile (NLM_F_DUMP_INTR).
  interrupt_dump,
  /// The netlink request is carried out, and its answer says that it is longer than what came.
  cut_answer,
  /// The same, and its answer is longer than the room for it: of what came, that is the length.
  long_answer,
  /// The same, and its answer begins as a list does, and no more of it comes.
  unfinished_list
};

struct Fault {
  Deed deed = Deed::none;
  /// Counted from 1; 0 is before the first of them, where only a later call is struck.
  int point = 0;
  /// Not the point is struck but the so manieth call after it, whichever it is.
  int calls_after = 0;
  int errno_value = 0;
};

struct Outcome {
  /// How many points were come by.
  int points = 0;
  /// How many calls were made from each point to the next, those before the first in the beginning.
  /// run_traced() counts none but those after the point of a fault that has `calls_after`.
  std::vector<int> calls_after{0};
  bool is_hit = false;
  bool is_killed = false;
  /// Whether the request that was made after the one that was struck was the same.
  bool is_repeated = false;
  /// What the work threw; empty if it ended well.
  std::string error;
};

/// Runs `work` in a child, with the fault. Needs x86-64. Throws Error if the child can't be traced,
/// or ends otherwise than by the end of `work` or by the fault. Source: ptrace(2).
Outcome run_traced(const std::function<void()>& work, const IsPoint& is_point, const Fault& fault);

/// The same without a fault, each call counted. Errors as run_traced().
Outcome run_counted(const std::function<void()>& work, const IsPoint& is_point);

/// `size` bytes at `address` in the memory of a process; fewer where it ends.
std::string read_memory(pid_t pid, std::uint64_t address, std::size_t size);

}  // namespace netlend::test
