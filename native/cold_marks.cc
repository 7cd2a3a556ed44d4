#include "cold_marks.h"

#include <algorithm>

#include "clock.h"

namespace sluice {

namespace {

// More than ColdRead and the kernel read ahead.
constexpr std::uint64_t kAhead = 2 * 1024 * 1024;
constexpr std::int64_t kTimesTaken = 20;
constexpr std::int64_t kLeastUs = 100'000;
constexpr std::int64_t kMostUs = 60'000'000;
// More become one that covers them all.
constexpr std::size_t kMost = 64;

}  // namespace

ColdMarks::Reading::Reading(ColdMarks& marks, std::uint64_t from, std::uint64_t until)
    : marks_(marks), from_(from), until_(until > UINT64_MAX - kAhead ? UINT64_MAX : until + kAhead), begun_us_(monotonic_us()) {
  // A read that has not ended yet is marked for as long as one is ever marked; its end says how long it is needed.
  marks_.add({from_, until_, begun_us_ + kMostUs});
}

ColdMarks::Reading::~Reading() {
  const std::int64_t now = monotonic_us();
  const std::int64_t ends = now + std::clamp((now - begun_us_) * kTimesTaken, kLeastUs, kMostUs);
  std::lock_guard lock(marks_.mutex_);
  for (Mark& mark : marks_.marks_) {
    if (mark.from != from_ || mark.until != until_ || mark.ends_us != begun_us_ + kMostUs) continue;
    mark.ends_us = ends;
    break;
  }
}

bool ColdMarks::overlap(std::uint64_t from, std::uint64_t until) {
  if (!any_.load(std::memory_order_acquire)) return false;
  const std::int64_t now = monotonic_us();
  std::lock_guard lock(mutex_);
  std::erase_if(marks_, [now](const Mark& mark) { return mark.ends_us < now; });
  if (marks_.empty()) {
    any_.store(false, std::memory_order_release);
    return false;
  }
  return std::any_of(marks_.begin(), marks_.end(), [&](const Mark& mark) { return from < mark.until && until > mark.from; });
}

void ColdMarks::add(Mark mark) {
  std::lock_guard lock(mutex_);
  marks_.push_back(mark);
  if (marks_.size() > kMost) {
    Mark all = marks_.front();
    for (const Mark& each : marks_) all = {std::min(all.from, each.from), std::max(all.until, each.until), std::max(all.ends_us, each.ends_us)};
    marks_.assign(1, all);
  }
  any_.store(true, std::memory_order_release);
}

}  // namespace sluice
