#include "outgoing.h"

#include <algorithm>
#include <cerrno>

#include "page_cache.h"

namespace sluice {

namespace {

constexpr int kMaxParts = 64;
constexpr std::uint64_t kChunk = 1024 * 1024;
// What is sent now must have been probed up to here: a socket buffer takes less than a chunk at a time, and probing a chunk costs 256 look-ups
// (measured: 4 % of a fetch of 8 MiB).
constexpr std::uint64_t kProbeAhead = 256 * 1024;
// How long a probe holds: a peer that reads slowly may find evicted what was resident.
constexpr std::int64_t kProbeMs = 100;
// The most that a disk thread copies at a time, for one connection.
constexpr std::uint64_t kCopyBytes = 256 * 1024;
// Written so lately and so near the end of its file that the page cache holds it: no probe.
constexpr std::uint64_t kFreshTail = 16 * 1024 * 1024;

bool fresh(const FileRegion& region, std::uint64_t position, std::int64_t now_ms) {
  return position + kFreshTail >= region.file->end() && region.file->fresh(position, now_ms);
}

Probe probe_of(const FileRegion& region, std::uint64_t position, std::uint64_t length) {
  return region.file->cold_marks().overlap(position, position + length) ? Probe::Exact : Probe::Fast;
}

Counter counter_of(TransferMode path) {
  switch (path) {
    case TransferMode::Splice:
      return Counter::SpliceBytes;
    case TransferMode::Mmap:
      return Counter::MmapBytes;
    case TransferMode::ReadWrite:
      return Counter::ReadWriteBytes;
    default:
      return Counter::SendfileBytes;
  }
}

void count(CounterSet& counters, const FileRegion& region, Counter counter, std::int64_t amount) {
  counters.add(counter, amount);
  if (LogMeter* log = region.file->meter()) log->add(counter, amount);
}

StepResult of_error(ssize_t error) {
  if (error == -EAGAIN) return StepResult::Blocked;
  if (error == -EIO || error == -EFAULT || error == -EOVERFLOW || error == -EBADF || error == -EINVAL || error == -EISDIR ||
      error == -ENOMEM || error == -ENOBUFS || error == -EMFILE || error == -ENFILE)
    return StepResult::Broken;
  return StepResult::Gone;
}

}  // namespace

Outgoing::Outgoing(const std::uint8_t* bytes, std::size_t length, std::vector<RegionPart> parts)
    : bytes_(bytes), length_(length), parts_(std::move(parts)), remaining_(length) {
  for (const RegionPart& part : parts_) remaining_ += part.region.length;
}

void Outgoing::own() {
  if (!owned_.empty() || position_ == length_) return;
  owned_.assign(bytes_ + position_, bytes_ + length_);
  for (std::size_t i = next_part_; i < parts_.size(); i++) parts_[i].at -= position_;
  length_ -= position_;
  position_ = 0;
  bytes_ = owned_.data();
}

bool Outgoing::small(const FileRegion& region, const StepLimits& limits) const {
  return limits.mode == TransferMode::Auto && region.length < limits.copy_below;
}

StepResult Outgoing::step(Transport& transport, TransferContext& context, CounterSet& counters, const StepLimits& limits, std::size_t& sent) {
  sent = 0;
  while (next_part_ < parts_.size() && parts_[next_part_].at == position_ && parts_[next_part_].region.length == 0) next_part_++;
  const bool at_region = next_part_ < parts_.size() && parts_[next_part_].at == position_;
  if (at_region && !copied_.empty()) return send_copied(transport, counters, limits, sent);
  if (!at_region || small(parts_[next_part_].region, limits)) return send_gathered(transport, context, counters, limits, sent);
  return send_region(transport, context, counters, limits, sent);
}

// Own bytes and small regions in one system call: below some 32 KiB the copy is cheaper than the calls it saves.
StepResult Outgoing::send_gathered(Transport& transport, TransferContext& context, CounterSet& counters, const StepLimits& limits,
                                   std::size_t& sent) {
  iovec parts[kMaxParts];
  int count = 0;
  std::size_t total = 0;
  std::size_t buffered = 0;
  std::size_t position = position_;
  std::size_t part = next_part_;
  std::uint64_t done = part_done_;
  bool region_follows = false;
  bool stopped = false;
  while (count < kMaxParts && total < limits.max_bytes) {
    const std::size_t end = part < parts_.size() ? parts_[part].at : length_;
    if (position < end) {
      parts[count++] = {const_cast<std::uint8_t*>(bytes_ + position), end - position};
      total += end - position;
      position = end;
      continue;
    }
    if (part == parts_.size()) break;
    const FileRegion& region = parts_[part].region;
    if (done == region.length) {
      part++;
      done = 0;
      continue;
    }
    if (!small(region, limits)) {
      region_follows = true;
      break;
    }
    const std::size_t want = static_cast<std::size_t>(region.length - done);
    if (buffered + want > TransferContext::kBufferBytes) {
      region_follows = true;
      break;
    }
    if (!region.valid()) {
      if (total > 0) break;
      return StepResult::Broken;
    }
    std::uint8_t* into = context.buffer() + buffered;
    const std::uint64_t from = region.position + done;
    const ssize_t got = read_resident(region.file->fd(), into, want, from, probe_of(region, from, want));
    if (got == -EAGAIN) {
      if (total > 0) break;
      cold_small_ = true;
      return StepResult::Cold;
    }
    if (got <= 0 || !region.valid()) {
      if (total > 0) break;
      return StepResult::Broken;
    }
    parts[count++] = {into, static_cast<std::size_t>(got)};
    total += static_cast<std::size_t>(got);
    buffered += static_cast<std::size_t>(got);
    done += static_cast<std::uint64_t>(got);
    if (static_cast<std::size_t>(got) < want) {
      stopped = true;
      break;
    }
  }
  if (total == 0) return StepResult::Progress;
  const ssize_t result = transport.write(parts, count, limits.more || region_follows || (!stopped && total < remaining_));
  if (result < 0) return of_error(result);
  sent = static_cast<std::size_t>(result);
  advance(sent, counters, Counter::ReadWriteBytes, Counter::ResidentBytes);
  return sent < total ? StepResult::Blocked : StepResult::Progress;
}

StepResult Outgoing::send_region(Transport& transport, TransferContext& context, CounterSet& counters, const StepLimits& limits,
                                 std::size_t& sent) {
  const FileRegion& region = parts_[next_part_].region;
  if (!region.valid()) return StepResult::Broken;
  const std::uint64_t position = file_position();
  const std::uint64_t length = std::min({region.length - part_done_, kChunk, static_cast<std::uint64_t>(limits.max_bytes)});
  if (position + std::min(length, kProbeAhead) > probed_until_ || limits.now_ms - probed_ms_ > kProbeMs) {
    found_ = Counter::FreshBytes;
    if (!fresh(region, position, limits.now_ms)) {
      cold_small_ = false;
      if (residency(region.file->fd(), position, length, probe_of(region, position, length)) != Residency::Resident) return StepResult::Cold;
      found_ = Counter::ResidentBytes;
      probed_until_ = position + length;
      probed_ms_ = limits.now_ms;
    }
  }
  const bool more = limits.more || length < remaining_;
  TransferMode path = limits.mode;
  const ssize_t result = context.send(transport, path, region.file->fd(), position, static_cast<std::size_t>(length), more);
  if (result < 0) return of_error(result);
  if (result == 0) return StepResult::Broken;
  sent = static_cast<std::size_t>(result);
  const bool whole = region.valid();
  advance(sent, counters, counter_of(path), found_);
  if (!whole) return StepResult::Broken;
  // A short splice may only mean that the pipe was full; the next step tells.
  return sent < length && limits.mode != TransferMode::Splice ? StepResult::Blocked : StepResult::Progress;
}

// What is sent here was read by a disk thread.
StepResult Outgoing::send_copied(Transport& transport, CounterSet& counters, const StepLimits& limits, std::size_t& sent) {
  const FileRegion& region = parts_[next_part_].region;
  if (!region.valid()) return StepResult::Broken;
  const auto left = static_cast<std::size_t>(copied_until_ - file_position());
  const iovec part{copied_.data() + copied_.size() - left, left};
  const ssize_t result = transport.write(&part, 1, limits.more || left < remaining_);
  if (result < 0) return of_error(result);
  sent = static_cast<std::size_t>(result);
  if (sent == left) copied_ = {};
  const bool whole = region.valid();
  advance(sent, counters, Counter::ReadWriteBytes, Counter::ReadInBytes);
  if (!whole) return StepResult::Broken;
  return sent < left ? StepResult::Blocked : StepResult::Progress;
}

void Outgoing::advance(std::size_t bytes, CounterSet& counters, Counter path, Counter found) {
  remaining_ -= bytes;
  std::int64_t own = 0;
  while (bytes > 0) {
    const std::size_t end = run_end();
    if (position_ < end) {
      const std::size_t part = std::min(bytes, end - position_);
      position_ += part;
      bytes -= part;
      own += static_cast<std::int64_t>(part);
      continue;
    }
    FileRegion& region = parts_[next_part_].region;
    const std::uint64_t part = std::min<std::uint64_t>(bytes, region.length - part_done_);
    const std::uint64_t at = region.position + part_done_;
    const std::uint64_t read_in = at < read_in_until_ ? std::min(part, read_in_until_ - at) : 0;
    count(counters, region, path, static_cast<std::int64_t>(part));
    if (read_in > 0) count(counters, region, Counter::ReadInBytes, static_cast<std::int64_t>(read_in));
    if (read_in < part) count(counters, region, found, static_cast<std::int64_t>(part - read_in));
    part_done_ += part;
    bytes -= static_cast<std::size_t>(part);
    if (part_done_ == region.length) {
      count(counters, region, Counter::Regions, region.length > 0 ? 1 : 0);
      region.file.reset();  // unpinned as soon as it is sent
      next_part_++;
      part_done_ = 0;
      probed_until_ = 0;
      cold_at_ = UINT64_MAX;
      read_in_until_ = 0;
    }
  }
  if (own > 0) counters.add(Counter::HeaderBytes, own);
}

std::shared_ptr<ColdRead> Outgoing::cold() {
  auto read = std::make_shared<ColdRead>();
  read->region = parts_[next_part_].region;
  read->position = file_position();
  read->length = std::min(read->region.length - part_done_, kChunk);
  read->copy = cold_small_ || cold_at_ == read->position;
  if (read->copy) read->length = std::min(read->length, kCopyBytes);
  cold_at_ = read->position;
  return read;
}

void Outgoing::warmed(ColdRead& read) {
  read_in_until_ = read.position + read.length;
  if (read.bytes.empty()) return;
  copied_ = std::move(read.bytes);
  copied_until_ = read.position + copied_.size();
}

}  // namespace sluice
