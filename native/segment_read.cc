// Look-ups and reads of a segment: they run beside its writers.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "segment.h"
#include "spread.h"

namespace sluice {

std::size_t Segment::boundary_set(std::int64_t offset) {
  return slot_of(spread(static_cast<std::uint64_t>(offset)), kReaders / kBoundaryWays) * kBoundaryWays;
}

// Runs `look` until no cut came in its way. Without waiting, one try: a cut is rare, and the disk thread's form will tell.
template <typename Look>
int Segment::beside_cuts(Wait wait, Look look) {
  for (;;) {
    const std::uint32_t done = cuts_done_.load(std::memory_order_acquire);
    const std::uint32_t begun = log_->truncations();
    if (begun == done) {
      const int result = look();
      std::atomic_thread_fence(std::memory_order_acquire);
      if (log_->truncations() == begun) return result;
    }
    if (wait == Wait::No) return -EAGAIN;
    std::lock_guard until_cut(write_mutex_);
  }
}

// A file that somebody else cuts: told here, where the reader still can be, and not when half of an answer is sent.
int Segment::check_whole() const {
  struct stat status;
  if (fstat(log_->fd(), &status) != 0) return -errno;
  return static_cast<std::uint64_t>(status.st_size) < log_->end() ? -ENODATA : 0;
}

int Segment::locate(std::int64_t offset, Wait wait, BatchPlace& out, std::uint64_t limit) {
  Pin pin;
  if (wait == Wait::Yes) {
    if (const int result = open(pin); result < 0) return result;
    if (const int result = read_only_ ? check_whole() : 0; result < 0) return result;
    const ColdMarks::Reading reading(log_->cold_marks(), 0, UINT64_MAX);
    return beside_cuts(wait, [&] { return locate_once(offset, wait, limit, out); });
  }
  pin = Pin(files_mutex_, std::try_to_lock);
  if (!pin || !opened_.load(std::memory_order_acquire)) return -EAGAIN;
  used_.store(true, std::memory_order_relaxed);
  if (const int result = read_only_ ? check_whole() : 0; result < 0) return result;
  return beside_cuts(wait, [&] { return locate_once(offset, wait, limit, out); });
}

int Segment::locate_once(std::int64_t offset, Wait wait, std::uint64_t limit, BatchPlace& out) {
  if (locate_recent(offset, limit, out)) return 0;
  const std::uint32_t truncations = log_->truncations();
  Boundary found;
  std::int64_t last_offset;
  if (find_boundary(offset, found) && found.batch.bytes > 0) {
    out = found.batch;
    last_offset = found.last_offset;
  } else {
    std::uint64_t from = found.position;
    IndexGap gap;
    if (found.offset < 0) {
      // An entry tells of a batch by its last offset: the one before that which may hold this one.
      const int known = offsets_.find_gap(offset - base_offset_ - 1, wait, gap);
      if (known < 0) return known;
      if (known > 0) from = static_cast<std::uint64_t>(gap.before.value);
    }
    if (holds(gap, offset, wait, out)) last_offset = base_offset_ + gap.behind.key;
    else if (const int result = walk_to(offset, from, wait, out, last_offset); result < 0) return result;
    if (out.bytes == 0) return 0;
  }
  Boundary next{last_offset + 1, out.position + out.bytes, truncations};
  if (out.bytes <= limit) {
    if (!few(out.bytes, limit)) out.bytes = limit;
    else if (const int result = add_whole(limit, wait, out, next); result < 0) return result;
  }
  remember_boundary(offset, next);
  return 0;
}

// Entries far apart have a large batch between them, and behind the offset that an entry tells of mostly the batch of the next one: looked at first,
// it saves the header that tells how large that batch is. And what it is like is known from then on. A batch's last offset is in no other.
bool Segment::holds(const IndexGap& gap, std::int64_t offset, Wait wait, BatchPlace& out) const {
  const auto from = static_cast<std::uint64_t>(std::max(gap.before.value, 0));
  const auto position = static_cast<std::uint64_t>(std::max(gap.behind.value, 0));
  const std::uint64_t end = log_->end();
  const std::int64_t last_offset = base_offset_ + gap.behind.key;
  const bool likely = last_offset == offset || position >= from + 2 * interval_;
  if (gap.before.key < 0 || gap.behind.key < 0 || !likely || position >= end) return false;
  IndexedBatch batch = gap.batch;
  if (batch.bytes == 0) {
    BatchWalk walk(log_->fd(), position, end, wait, kBatchHeaderBytes);
    if (walk.look() != 1) return false;
    const BatchHeader header = walk.header();
    if (header.last_offset() != last_offset) return false;
    batch = {static_cast<std::uint32_t>(last_offset - header.base_offset()), static_cast<std::uint32_t>(header.size())};
    offsets_.learn(gap, batch);
  }
  if (last_offset < offset || last_offset - batch.offsets > offset) return false;
  out = {position, last_offset - batch.offsets, batch.bytes};
  return true;
}

int Segment::walk_to(std::int64_t offset, std::uint64_t from, Wait wait, BatchPlace& out, std::int64_t& last_offset) {
  const std::uint64_t end = log_->end();  // after the index: every entry seen points below it
  if (from > end) return -EBADMSG;
  BatchWalk walk(log_->fd(), from, end, wait);
  for (;;) {
    const int result = walk.look();
    if (result < 0) return result;
    if (result == 0) {
      out = {end, -1, 0};
      return 0;
    }
    const BatchHeader batch = walk.header();
    last_offset = batch.last_offset();
    if (last_offset >= offset) {
      out = {walk.position(), batch.base_offset(), batch.size()};
      return 0;
    }
    walk.step();
  }
}

// The header that ends it is the one that the next look-up begins with: for a reader that goes on it costs nothing.
int Segment::add_whole(std::uint64_t limit, Wait wait, BatchPlace& place, Boundary& next) const {
  BatchWalk walk(log_->fd(), next.position, log_->end(), wait);
  for (unsigned batches = 1; place.bytes + kBatchHeaderBytes <= limit; batches++) {
    const int result = walk.look();
    if (result <= 0) return result;
    if (batches == kMostHeaders) {
      place.bytes = limit;
      return 0;
    }
    const BatchHeader batch = walk.header();
    if (place.bytes + batch.size() > limit) {
      next.batch = {walk.position(), batch.base_offset(), batch.size()};
      next.last_offset = batch.last_offset();
      return 0;
    }
    place.bytes += batch.size();
    next.offset = batch.last_offset() + 1;
    next.position = walk.position() + batch.size();
    walk.step();
  }
  return 0;
}

// A consumer that reads on asks for the offset behind the last batch that it got: found without the index, which saves two of three system calls
// (one batch in a fetch).
bool Segment::find_boundary(std::int64_t offset, Boundary& out) const {
  std::lock_guard lock(recent_mutex_);
  if (boundaries_.empty()) return false;
  const std::size_t set = boundary_set(offset);
  for (std::size_t at = set; at < set + kBoundaryWays; at++) {
    const Boundary& boundary = boundaries_[at];
    if (boundary.offset != offset || boundary.truncations != log_->truncations()) continue;
    out = boundary;
    return true;
  }
  return false;
}

// The boundary that led here goes: each reader keeps one. Without a free place the oldest of its set makes room.
void Segment::remember_boundary(std::int64_t asked, const Boundary& next) {
  std::lock_guard lock(recent_mutex_);
  if (boundaries_.empty()) boundaries_.resize(kReaders);
  const auto left = boundaries_.begin() + static_cast<std::ptrdiff_t>(boundary_set(asked));
  for (auto at = left; at != left + kBoundaryWays; ++at)
    if (at->offset == asked) at->offset = -1;
  const auto set = boundaries_.begin() + static_cast<std::ptrdiff_t>(boundary_set(next.offset));
  auto place = std::find_if(set, set + kBoundaryWays, [&](const Boundary& one) { return one.offset == -1 || one.offset == next.offset; });
  if (place == set + kBoundaryWays) --place;
  std::move_backward(set, place, place + 1);
  *set = next;
}

// Consumers at the tail ask for what was appended a moment ago: answered without a system call.
bool Segment::locate_recent(std::int64_t offset, std::uint64_t limit, BatchPlace& out) const {
  std::lock_guard lock(recent_mutex_);
  if (recent_.empty() || recent_end_ != log_->end()) return false;
  if (offset > recent_.back().last_offset) {
    out = {recent_end_, -1, 0};
    return true;
  }
  if (offset < recent_.front().base_offset) return false;
  auto at = std::lower_bound(recent_.begin(), recent_.end(), offset, [](const RecentBatch& batch, std::int64_t o) { return batch.last_offset < o; });
  out = {at->position, at->base_offset, at->bytes};
  if (few(out.bytes, limit)) {
    for (unsigned batches = 1; ++at != recent_.end() && out.bytes + kBatchHeaderBytes <= limit; batches++) {
      if (batches == kMostHeaders) {
        out.bytes = limit;
        break;
      }
      if (out.bytes + at->bytes > limit) break;
      out.bytes += at->bytes;
    }
  } else if (out.bytes <= limit) {
    out.bytes = limit;
  }
  return true;
}

int Segment::locate_timestamp(std::int64_t timestamp, BatchPlace& out) {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  const ColdMarks::Reading reading(log_->cold_marks(), 0, UINT64_MAX);
  return beside_cuts(Wait::Yes, [&] { return locate_timestamp_once(timestamp, out); });
}

// A time index entry (T, o) promises that every batch before the one that holds o has only timestamps below T. So the search begins there.
int Segment::locate_timestamp_once(std::int64_t timestamp, BatchPlace& out) {
  IndexEntry entry;
  std::uint64_t from = 0;
  int found = times_.find_key(timestamp, Wait::Yes, entry);
  if (found > 0) found = offsets_.find_key(entry.value, Wait::Yes, entry);
  if (found < 0) return found;
  if (found > 0) from = static_cast<std::uint64_t>(entry.value);
  const std::uint64_t end = log_->end();
  if (from > end) return -EBADMSG;
  BatchWalk walk(log_->fd(), from, end, Wait::Yes);
  for (;;) {
    const int result = walk.look();
    if (result < 0) return result;
    if (result == 0) {
      out = {end, -1, 0};
      return 0;
    }
    const BatchHeader batch = walk.header();
    if (batch.max_timestamp() >= timestamp) {
      out = {walk.position(), batch.base_offset(), batch.size()};
      return 0;
    }
    walk.step();
  }
}

int Segment::indexed_offset(std::uint64_t position, std::int64_t& offset) {
  offset = -1;
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  if (position > INT32_MAX) return 0;
  return beside_cuts(Wait::Yes, [&] {
    IndexEntry entry;
    std::size_t below = 0;
    offset = -1;
    int found = position == 0 ? 0 : offsets_.find_value(static_cast<std::int64_t>(position) - 1, below, entry);
    if (found >= 0) found = offsets_.entry(below, entry);
    if (found > 0) offset = base_offset_ + entry.key;
    return std::min(found, 0);
  });
}

int Segment::read(std::uint64_t position, std::size_t length, FramePool& frames, FrameRef& out) {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  const ColdMarks::Reading reading(log_->cold_marks(), position, position + length);
  const std::uint64_t end = log_->end();
  if (position >= end || length == 0) return 0;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(length, end - position));
  FrameRef frame = frames.allocate(bytes);
  if (!frame) return -ENOMEM;
  const std::int64_t got = read_at(log_->fd(), frame.data(), bytes, position, Wait::Yes);
  if (got < 0) return static_cast<int>(got);
  if (static_cast<std::size_t>(got) != bytes) return -EIO;  // cut meanwhile
  out = std::move(frame);
  return 0;
}

}  // namespace sluice
