// The monotonic clock.
#pragma once

#include <cstdint>

namespace sluice {

// As coarse as a timer tick, and cheap.
std::int64_t monotonic_ms();
// Exact.
std::int64_t monotonic_us();

}  // namespace sluice
