#include "fault/trace.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "base/syscall.hpp"

#ifndef __x86_64__
#error "the result of a system call is put into the registers of x86-64"
#endif

namespace netlend::test {

namespace {
constexpr int kSystemCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD
constexpr int kFilterStop = SIGTRAP | PTRACE_EVENT_SECCOMP << 8;
constexpr std::uint64_t kNoCall = ~std::uint64_t{0};

/// Nine of ten calls are of these, and nothing ever strikes but some of the others, or is counted
/// by their number after one of those: stopping at each would take longer than the work.
constexpr std::array kOnlyReading{SCMP_SYS(read),       SCMP_SYS(close), SCMP_SYS(newfstatat),
                                  SCMP_SYS(getdents64), SCMP_SYS(fstat), SCMP_SYS(lseek)};
constexpr std::uint64_t kMakingFlags = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

/// From now on, the tracer is asked before each call that does more than read. Source: seccomp(2),
/// SECCOMP_RET_TRACE.
void ask_the_tracer() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter{::seccomp_init(SCMP_ACT_TRACE(0)),
                                                                ::seccomp_release};
  if (filter == nullptr) throw Error("no memory for a filter of system calls");
  const auto checked = [](int result) {
    if (result != 0) throw_errno(-result, "filter", "system calls");
  };
  for (const int number : kOnlyReading) {
    checked(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0));
  }
  checked(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, kMakingFlags, 0)));
  checked(::seccomp_load(filter.get()));
}

/// A text that a child leaves its parent without a system call.
class SharedText {
 public:
  SharedText()
      : text_(static_cast<char*>(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (text_ == MAP_FAILED) throw_errno(errno, "map", "shared memory");
  }
  SharedText(const SharedText&) = delete;
  SharedText& operator=(const SharedText&) = delete;
  SharedText(SharedText&&) = delete;
  SharedText& operator=(SharedText&&) = delete;
  ~SharedText() { ::munmap(text_, kBytes); }

  void write(std::string_view text) noexcept {
    std::memcpy(text_, text.data(), std::min(text.size(), kBytes - 1));
  }
  std::string read() const { return text_; }

 private:
  static constexpr std::size_t kBytes = 65536;
  char* text_;
};

void write_memory(pid_t pid, std::uint64_t address, std::string_view bytes) {
  iovec local{const_cast<char*>(bytes.data()), bytes.size()};
  // An address in another process. NOLINTNEXTLINE(performance-no-int-to-ptr)
  iovec remote{reinterpret_cast<void*>(address), bytes.size()};
  check(::process_vm_writev(pid, &local, 1, &remote, 1, 0), "write the memory of", "the child");
}

template <typename Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

class Tracer {
 public:
  Tracer(pid_t pid, const IsPoint& is_point, const Fault& fault, bool is_counting)
      : pid_(pid), is_point_(is_point), fault_(fault), is_counting_(is_counting) {}

  /// Until the child has ended; its wait status.
  int run();
  Outcome outcome;

 private:
  Call next_call() const;
  void before_call(const Call& call);
  void before_any_call(const Call& call);
  void strike(const Call& call);
  void answer_in_place_of_the_kernel(const Call& receive);
  std::string request_of(const Call& call) const;
  /// The call isn't made, and this is its result.
  void replace_call(std::int64_t result) const;
  bool takes_the_answer(const Call& call) const {
    return answers_due_ > 0 && call.number == SYS_recvfrom && call.arguments[0] == socket_;
  }
  bool counts_each_call() const {
    return is_counting_ || (fault_.calls_after > 0 && outcome.points == fault_.point);
  }

  pid_t pid_;
  const IsPoint& is_point_;
  Fault fault_;
  bool is_counting_;
  int calls_since_point_ = 0;
  /// Of the request that is struck.
  int answers_due_ = 0;
  std::uint64_t socket_ = 0;
  nlmsghdr request_{};
  std::string struck_request_;
};

int Tracer::run() {
  int signal = 0;
  for (;;) {
    if (!outcome.is_killed) {
      check(::ptrace(counts_each_call() ? PTRACE_SYSCALL : PTRACE_CONT, pid_, nullptr, signal),
            "go on with", "the child");
    }
    signal = 0;
    int status = 0;
    check(retry([&] { return ::waitpid(pid_, &status, 0); }), "wait for", "the child");
    if (!WIFSTOPPED(status)) return status;
    const int stop = status >> 8;
    if (stop == kFilterStop) {
      before_call(next_call());
    } else if (stop == kSystemCallStop) {
      const Call call = next_call();
      if (call.number != kNoCall) before_any_call(call);
    } else {
      signal = WSTOPSIG(status);
    }
  }
}

Call Tracer::next_call() const {
  __ptrace_syscall_info info{};
  check(::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info), "look at a call of",
        "the child");
  Call call{.pid = pid_, .number = kNoCall};
  if (info.op == PTRACE_SYSCALL_INFO_EXIT) return call;
  // What a filter's stop says begins like what an entry's says.
  call.number = info.entry.nr;
  std::copy(std::begin(info.entry.args), std::end(info.entry.args), call.arguments.begin());
  return call;
}

/// Where each call is counted, this comes before before_call().
void Tracer::before_any_call(const Call& call) {
  if (is_point_(call)) return;
  ++calls_since_point_;
  ++outcome.calls_after.back();
  if (fault_.calls_after > 0 && calls_since_point_ == fault_.calls_after) strike(call);
}

void Tracer::before_call(const Call& call) {
  if (takes_the_answer(call)) {
    --answers_due_;
    const bool is_end_of_list = fault_.deed == Deed::unfinished_list && answers_due_ == 0;
    if (fault_.deed == Deed::lose_answer || is_end_of_list) {
      replace_call(-fault_.errno_value);
    } else {
      answer_in_place_of_the_kernel(call);
    }
    return;
  }
  if (!struck_request_.empty() && call.number == SYS_sendto) {
    outcome.is_repeated = request_of(call) == struck_request_;
    struck_request_.clear();
  }
  if (!is_point_(call)) return;
  ++outcome.points;
  outcome.calls_after.push_back(0);
  if (outcome.points == fault_.point && fault_.calls_after == 0) strike(call);
}

void Tracer::strike(const Call& call) {
  outcome.is_hit = true;
  switch (fault_.deed) {
    case Deed::none:
      return;
    case Deed::kill:
      outcome.is_killed = true;
      // A call whose entry is stopped isn't made any more.
      check(::kill(pid_, SIGKILL), "kill", "the child");
      return;
    case Deed::fail:
      replace_call(-fault_.errno_value);
      return;
    case Deed::refuse:
      replace_call(static_cast<std::int64_t>(call.arguments[2]));  // All of it was sent.
      [[fallthrough]];
    case Deed::lose_answer:
    case Deed::foreign_answer:
    case Deed::stale_answer:
    case Deed::interrupt_dump:
    case Deed::cut_answer:
    case Deed::long_answer:
    case Deed::unfinished_list:
      answers_due_ = fault_.deed == Deed::unfinished_list ? 2 : 1;
      socket_ = call.arguments[0];
      struck_request_ = request_of(call);
      const std::string header = read_memory(pid_, call.arguments[1], sizeof request_);
      std::memcpy(&request_, header.data(), header.size());
  }
}

std::string Tracer::request_of(const Call& call) const {
  std::string request = read_memory(pid_, call.arguments[1], call.arguments[2]);
  // Each has a number of its own.
  request.replace(offsetof(nlmsghdr, nlmsg_seq), sizeof(nlmsghdr::nlmsg_seq), "");
  return request;
}

void Tracer::answer_in_place_of_the_kernel(const Call& receive) {
  struct {
    nlmsghdr header;
    nlmsgerr error;
  } answer{};
  answer.header = {.nlmsg_len = sizeof answer,
                   .nlmsg_type = NLMSG_ERROR,
                   .nlmsg_flags = NLM_F_CAPPED,
                   .nlmsg_seq = request_.nlmsg_seq,
                   .nlmsg_pid = request_.nlmsg_pid};
  answer.error = {.error = -fault_.errno_value, .msg = request_};
  sockaddr_nl sender{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (fault_.deed == Deed::foreign_answer) sender.nl_pid = static_cast<__u32>(::getpid());
  if (fault_.deed == Deed::stale_answer) --answer.header.nlmsg_seq;
  if (fault_.deed == Deed::interrupt_dump) {
    answer.header.nlmsg_type = NLMSG_NOOP;
    answer.header.nlmsg_flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
  }
  if (fault_.deed == Deed::cut_answer) answer.header.nlmsg_len += sizeof answer;
  if (fault_.deed == Deed::unfinished_list) {
    answer.header.nlmsg_type = NLMSG_NOOP;
    answer.header.nlmsg_flags = NLM_F_MULTI;
  }
  const socklen_t sender_size = sizeof sender;
  write_memory(pid_, receive.arguments[1], bytes_of(answer));
  write_memory(pid_, receive.arguments[4], bytes_of(sender));
  write_memory(pid_, receive.arguments[5], bytes_of(sender_size));
  replace_call(fault_.deed == Deed::long_answer
                   ? static_cast<std::int64_t>(receive.arguments[2]) + 1
                   : static_cast<std::int64_t>(sizeof answer));
}

void Tracer::replace_call(std::int64_t result) const {
  user_regs_struct registers{};
  check(::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers), "read the registers of", "the child");
  registers.orig_rax = kNoCall;
  registers.rax = static_cast<std::uint64_t>(result);
  check(::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers), "set the registers of", "the child");
}

[[noreturn]] void run_child(const std::function<void()>& work, SharedText& error) {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == -1) ::_exit(1);
  static_cast<void>(::raise(SIGSTOP));
  try {
    ask_the_tracer();
    work();
  } catch (const std::exception& thrown) {
    error.write(thrown.what());
  }
  ::_exit(0);
}
}  // namespace

std::string read_memory(pid_t pid, std::uint64_t address, std::size_t size) {
  std::string bytes(size, '\0');
  iovec local{bytes.data(), size};
  // An address in another process. NOLINTNEXTLINE(performance-no-int-to-ptr)
  iovec remote{reinterpret_cast<void*>(address), size};
  const ssize_t got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

namespace {
Outcome run(const std::function<void()>& work, const IsPoint& is_point, const Fault& fault,
            bool is_counting) {
  SharedText error;
  const pid_t child = check(::fork(), "fork", "a child to trace");
  if (child == 0) run_child(work, error);
  int status = 0;
  check(retry([&] { return ::waitpid(child, &status, 0); }), "wait for", "the child");
  if (!WIFSTOPPED(status)) throw Error("the child can't be traced");
  check(::ptrace(PTRACE_SETOPTIONS, child, nullptr,
                 PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL),
        "trace", "the child");
  Tracer tracer(child, is_point, fault, is_counting);
  status = tracer.run();
  Outcome outcome = std::move(tracer.outcome);
  outcome.error = error.read();
  const bool is_as_meant = outcome.is_killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                                             : WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!is_as_meant) throw Error(fmt::format("the child ended with the wait status {:#x}", status));
  return outcome;
}
}  // namespace

Outcome run_traced(const std::function<void()>& work, const IsPoint& is_point, const Fault& fault) {
  return run(work, is_point, fault, false);
}

Outcome run_counted(const std::function<void()>& work, const IsPoint& is_point) {
  return run(work, is_point, {}, true);
}

}  // namespace netlend::test
