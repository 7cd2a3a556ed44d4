#include "event_channel.h"

#include <algorithm>
#include <cstring>

namespace sluice {

void EventChannel::push(const EventRow* rows, std::size_t count) {
  if (count == 0) return;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    rows_.insert(rows_.end(), rows, rows + count);
    if (awake_) return;
    awake_ = true;
  }
  // Outside the lock: only one thread gets here until poll() finds the queue empty.
  wake_();
}

void EventChannel::add(const EventRow* rows, std::size_t count) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  rows_.insert(rows_.end(), rows, rows + count);
  awake_ = true;
}

std::size_t EventChannel::poll(double* out, std::size_t max_rows) {
  constexpr std::size_t kKeepRows = 1 << 16;
  std::lock_guard lock(mutex_);
  const std::size_t count = std::min(max_rows, rows_.size() - taken_);
  if (count > 0) std::memcpy(out, rows_[taken_].data(), count * sizeof(EventRow));
  taken_ += count;
  if (count < max_rows) awake_ = false;
  if (taken_ == rows_.size()) {
    rows_.clear();
    taken_ = 0;
    if (rows_.capacity() > kKeepRows) rows_.shrink_to_fit();
  } else if (taken_ >= kKeepRows) {
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  return count;
}

bool EventChannel::any() {
  std::lock_guard lock(mutex_);
  return rows_.size() > taken_;
}

void EventChannel::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  rows_.clear();
  rows_.shrink_to_fit();
  taken_ = 0;
}

}  // namespace sluice
