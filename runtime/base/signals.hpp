#pragma once

namespace netlend {

/// Default actions and an empty mask, as a fresh program expects them; also for the two real-time
/// signals that libc keeps to itself and a careless parent may have left ignored.
void reset_signals();

}  // namespace netlend
