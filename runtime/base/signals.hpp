#pragma once

namespace netlend {

/// Default actions and an empty mask, as a fresh program expects them; also for the two real-time
/// signals that libc keeps to itself and a careless parent may have left ignored.
void reset_signals();

/// Sends it to the process behind `pidfd`; -1 and errno on failure (ESRCH: it has ended).
/// Source: pidfd_send_signal(2), which glibc 2.36 doesn't declare for C++.
int send_signal(int pidfd, int signal) noexcept;

}  // namespace netlend
