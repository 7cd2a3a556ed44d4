#include "file_region.h"

#include <unistd.h>

namespace sluice {

LogFile::~LogFile() { close_file(); }

void LogFile::close_file() {
  if (const int fd = fd_.exchange(-1, std::memory_order_relaxed); fd >= 0) ::close(fd);
}

bool LogFile::fresh(std::uint64_t position, std::int64_t now_ms) const {
  const std::int64_t age = now_ms - span_ms_.load(std::memory_order_acquire);
  if (age >= 2 * kFreshMs) return false;
  return position >= (age < kFreshMs ? earlier_from_ : recent_from_).load(std::memory_order_relaxed);
}

// A reader that sees a mixture of two spans takes something for fresh that was written at most three spans ago.
void LogFile::appended(std::uint64_t position, std::int64_t now_ms) {
  const std::int64_t age = now_ms - span_ms_.load(std::memory_order_relaxed);
  if (age < kFreshMs) return;
  earlier_from_.store(age < 2 * kFreshMs ? recent_from_.load(std::memory_order_relaxed) : position, std::memory_order_relaxed);
  recent_from_.store(position, std::memory_order_relaxed);
  span_ms_.store(now_ms, std::memory_order_release);
}

}  // namespace sluice
