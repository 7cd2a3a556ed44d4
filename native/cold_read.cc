#include "cold_read.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "page_cache.h"

namespace sluice {

namespace {

// What is fetched in order comes next: the disk begins with it, as the kernel's own readahead would. That one is not relied on, because the thread
// that sends would start it, and may then wait for a place in the disk's queue.
constexpr std::uint64_t kLeastAhead = 128 * 1024;
constexpr std::uint64_t kMostAhead = 1024 * 1024;

}  // namespace

std::uint64_t ColdRead::ahead() const {
  const std::uint64_t end = position + length;
  const std::uint64_t left = std::max(region.file->end(), end) - end;
  return std::min(left, std::clamp(length, kLeastAhead, kMostAhead));
}

void ColdRead::run() {
  if (!wanted.load(std::memory_order_relaxed)) return;
  const ColdMarks::Reading reading(region.file->cold_marks(), position, position + length);
  warm(region.file->fd(), position, length, ahead());
  if (copy) {
    try {
      bytes.resize(length);
      const ssize_t got = read_waiting(region.file->fd(), bytes.data(), length, position);
      if (got <= 0) error = got < 0 ? static_cast<int>(-got) : EIO;
      bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    } catch (const std::bad_alloc&) {
      error = ENOMEM;
    }
  }
}

}  // namespace sluice
