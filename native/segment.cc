#include "segment.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string_view>

namespace sluice {
namespace {

constexpr std::size_t kRecentBatches = 64;

// The log folder, two above the segment. Never 0, which is nobody's place.
Place place_of(const std::string& path) {
  std::size_t end = path.size();
  for (int level = 0; level < 2 && end != std::string::npos && end > 0; level++) end = path.rfind('/', end - 1);
  return std::hash<std::string_view>{}(std::string_view(path).substr(0, end == std::string::npos ? 0 : end)) | 1;
}

}  // namespace

Segment::Segment(SegmentOptions options)
    : base_offset_(options.base_offset),
      stated_size_(options.size),
      interval_(options.index_interval_bytes),
      state_(std::move(options.state)),
      read_only_(options.read_only),
      meter_(std::move(options.meter)),
      reserve_bytes_(options.reserve_bytes),
      place_(place_of(options.path)),
      path_(std::move(options.path)),
      open_files_(std::move(options.open_files)),
      offsets_(IndexKind::Offset, options.index_bytes, std::move(options.index_blocks)),
      times_(IndexKind::Time, options.index_bytes) {
  scanned_.last_offset = base_offset_ - 1;
}

void Segment::moved(std::string path) {
  std::lock_guard lock(path_mutex_);
  path_ = std::move(path);
}

std::string Segment::path() const {
  std::lock_guard lock(path_mutex_);
  return path_;
}

SegmentFigures Segment::figures() const {
  SegmentFigures figures;
  figures.last_timestamp_offset = base_offset_;
  if (!loaded_.load(std::memory_order_acquire)) {
    figures.size = static_cast<std::uint64_t>(std::max<std::int64_t>(stated_size_, 0));
    return figures;
  }
  figures.open = opened_.load(std::memory_order_relaxed);
  figures.size = log_->end();
  figures.truncations = log_->truncations();
  figures.offset_entries = offsets_.entries();
  figures.time_entries = times_.entries();
  IndexEntry last;
  if (times_.last(last)) {
    figures.last_timestamp = last.key;
    figures.last_timestamp_offset = base_offset_ + last.value;
  }
  return figures;
}

std::optional<FileRegion> Segment::region(std::uint64_t position, std::uint64_t length) {
  if (!loaded_.load(std::memory_order_acquire)) return std::nullopt;
  Pin pin;
  if (open(pin, false) < 0) return std::nullopt;
  const std::uint32_t truncations = log_->truncations();  // before the end: a cut after this fences the region
  const std::uint64_t end = log_->end();
  if (position > end || length > end - position) return std::nullopt;
  return FileRegion{log_, position, length, truncations, place_};
}

int Segment::prepare(std::uint64_t& size) {
  Pin pin;
  const int result = open(pin);
  if (result == 0) size = log_->end();
  return result;
}

// The index files are created here and not by prepare: an empty partition then costs one descriptor and one file.
int Segment::make_writable() {
  if (sealed_) return -EPERM;
  if (writable_) return 0;
  const std::uint64_t end = log_->end();
  if (ragged_ && !read_only_) {
    if (const int result = truncate_file(log_->fd(), end); result < 0) return result;
    ragged_ = false;
  }
  if (const int result = open_indexes(true); result < 0) return result;
  // Kept beyond the end of the file, so that no reader and no recovery ever sees a byte of it. It only spares later writes the search for blocks:
  // where there is no room for it, or no such call, they go without.
  if (stated_size_ < 0 && end == 0 && reserve_bytes_ > 0 && reserve_file(log_->fd(), reserve_bytes_) < 0) (void)truncate_file(log_->fd(), 0);
  std::size_t offset_entries;
  std::size_t time_entries;
  if (const int result = progress_at(end, progress_, offset_entries, time_entries); result < 0) return result;
  if (offset_entries != offsets_.entries() || time_entries != times_.entries()) {
    // Entries above the end: of a log that lost its tail. They would lead astray what is appended now.
    if (const int result = offsets_.cut(offset_entries); result < 0) return result;
    if (const int result = times_.cut(time_entries); result < 0) return result;
    unsynced_ = true;
  }
  writable_ = true;
  return 0;
}

int Segment::walk_progress(std::uint64_t from, std::uint64_t to, Progress& progress) const {
  BatchWalk walk(log_->fd(), from, to, Wait::Yes);
  for (;;) {
    const int result = walk.look();
    if (result <= 0) return result;
    const BatchHeader batch = walk.header();
    progress.last_offset = batch.last_offset();
    if (batch.max_timestamp() > progress.max_timestamp) {
      progress.max_timestamp = batch.max_timestamp();
      progress.offset_of_max_timestamp = batch.last_offset();
    }
    walk.step();
  }
}

int Segment::progress_at(std::uint64_t position, Progress& progress, std::size_t& offset_entries, std::size_t& time_entries) {
  progress = Progress{};
  progress.last_offset = base_offset_ - 1;
  offset_entries = 0;
  time_entries = 0;
  IndexEntry entry;
  std::uint64_t from = 0;
  if (position > 0) {
    const std::int64_t below = static_cast<std::int64_t>(std::min<std::uint64_t>(position - 1, INT32_MAX));
    const int found = offsets_.find_value(below, offset_entries, entry);
    if (found < 0) return found;
    if (found > 0) from = static_cast<std::uint64_t>(entry.value);
  }
  if (const int result = walk_progress(from, position, progress); result < 0) return result;
  progress.bytes_since_entry = position - from;
  const int found = times_.find_value(progress.last_offset - base_offset_, time_entries, entry);
  if (found < 0) return found;
  if (found > 0) {
    progress.last_indexed_timestamp = entry.key;
    if (entry.key >= progress.max_timestamp) {
      progress.max_timestamp = entry.key;
      progress.offset_of_max_timestamp = base_offset_ + entry.value;
    }
  }
  return 0;
}

// Kafka's rule: an entry for the first batch that begins more than the interval behind the batch of the last entry.
void Segment::note(Progress& progress, std::uint64_t position, std::uint64_t bytes, std::int64_t last_offset, std::int64_t max_timestamp,
                   std::int64_t offset_of_max_timestamp, NewEntries& entries) const {
  progress.last_offset = last_offset;
  if (max_timestamp > progress.max_timestamp) {
    progress.max_timestamp = max_timestamp;
    progress.offset_of_max_timestamp = offset_of_max_timestamp;
  }
  if (progress.bytes_since_entry > interval_) {
    if (position <= INT32_MAX && last_offset - base_offset_ <= INT32_MAX) {
      entries.offsets.push_back({last_offset - base_offset_, static_cast<std::int32_t>(position)});
      if (progress.max_timestamp > progress.last_indexed_timestamp) {
        entries.times.push_back({progress.max_timestamp, static_cast<std::int32_t>(progress.offset_of_max_timestamp - base_offset_)});
        progress.last_indexed_timestamp = progress.max_timestamp;
      }
    }
    progress.bytes_since_entry = 0;
  }
  progress.bytes_since_entry += bytes;
}

int Segment::write_entries(NewEntries& entries) {
  // Beyond the capacity no entry is added: the segment should have rolled. Look-ups stay right, and get slower.
  entries.offsets.resize(std::min(entries.offsets.size(), offsets_.room()));
  entries.times.resize(std::min(entries.times.size(), times_.room()));
  const int result = offsets_.write(entries.offsets.data(), entries.offsets.size());
  return result < 0 ? result : times_.write(entries.times.data(), entries.times.size());
}

int Segment::trim_indexes() {
  const int offsets = offsets_.trim();
  const int times = times_.trim();
  return offsets < 0 ? offsets : times;
}

void Segment::publish_entries(const NewEntries& entries) {
  offsets_.publish(entries.offsets.data(), entries.offsets.size());
  times_.publish(entries.times.data(), entries.times.size());
}

int Segment::check_parts(const AppendPart* parts, std::size_t count, std::uint64_t end) const {
  std::int64_t last_offset = progress_.last_offset;
  for (std::size_t i = 0; i < count; i++) {
    const AppendPart& part = parts[i];
    const BatchHeader header = part.header();
    if (!is_one_batch(header.bytes(), part.length) || !header.offsets_valid() || header.base_offset() <= last_offset) return -EINVAL;
    last_offset = header.last_offset();
    // Kafka's formats hold relative offsets and positions in 32 bits.
    if (last_offset - base_offset_ > INT32_MAX) return -EOVERFLOW;
    end += part.length;
  }
  return end > INT32_MAX ? -EFBIG : 0;
}

int Segment::append(const AppendPart* parts, std::size_t count, std::uint64_t& end) {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  std::lock_guard lock(write_mutex_);
  if (read_only_) return -EROFS;
  if (const int result = make_writable(); result < 0) return result;
  const std::uint64_t start = log_->end();
  if (const int result = check_parts(parts, count, start); result < 0) return result;
  Progress progress = progress_;
  NewEntries entries;
  std::vector<struct iovec> pieces;
  pieces.reserve(2 * count);
  std::vector<RecentBatch> batches(count);
  end = start;
  for (std::size_t i = 0; i < count; i++) {
    const AppendPart& part = parts[i];
    const std::size_t stamped = part.stamped ? kBatchHeaderBytes : 0;
    if (stamped > 0) pieces.push_back({const_cast<std::uint8_t*>(part.stamped), stamped});
    if (stamped < part.length) pieces.push_back({const_cast<std::uint8_t*>(part.data) + stamped, part.length - stamped});
    const BatchHeader header = part.header();
    batches[i] = {end, header.base_offset(), header.last_offset(), part.length};
    // As Kafka: the last offset is taken for that of the largest timestamp.
    note(progress, end, part.length, header.last_offset(), header.max_timestamp(), header.last_offset(), entries);
    end += part.length;
  }
  int result = write_at(log_->fd(), pieces.data(), pieces.size(), start);
  if (result == 0) result = write_entries(entries);
  unsynced_ = true;  // behind the write: a flush that runs between them finds it unset and nothing lost
  if (result < 0) {
    // What was written is behind the end and never visible; cut it now if that works, else before the next append.
    ragged_ = truncate_file(log_->fd(), start) < 0;
    (void)trim_indexes();
    writable_ = false;
    return result;
  }
  progress_ = progress;
  log_->appended(start, monotonic_ms());
  log_->publish_end(end);
  publish_entries(entries);
  remember(batches);
  return 0;
}

void Segment::remember(const std::vector<RecentBatch>& batches) {
  std::lock_guard lock(recent_mutex_);
  for (const RecentBatch& batch : batches) {
    if (recent_.size() >= kRecentBatches) recent_.pop_front();
    recent_.push_back(batch);
  }
  recent_end_ = recent_.back().position + recent_.back().bytes;
}

int Segment::seal(std::int64_t max_timestamp, std::int64_t offset_of_max_timestamp) {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  std::lock_guard lock(write_mutex_);
  if (sealed_) return 0;
  if (const int result = make_writable(); result < 0) return result;
  if (progress_.max_timestamp > max_timestamp) {
    max_timestamp = progress_.max_timestamp;
    offset_of_max_timestamp = progress_.offset_of_max_timestamp;
  }
  if (max_timestamp > progress_.last_indexed_timestamp) {
    const std::int64_t relative = offset_of_max_timestamp - base_offset_;
    if (relative < 0 || relative > INT32_MAX) return -EINVAL;
    const IndexEntry entry{max_timestamp, static_cast<std::int32_t>(relative)};
    if (const int result = times_.write(&entry, 1); result < 0) return result;
    times_.publish(&entry, 1);
    unsynced_ = true;
  }
  // What a failed append may have left: nobody comes by here again.
  if (const int result = read_only_ ? 0 : trim_indexes(); result < 0) return result;
  if (!read_only_) (void)trim_file(log_->fd(), log_->end());  // else the blocks stay reserved until the file goes: nothing but room is lost
  sealed_ = true;
  writable_ = false;
  return 0;
}

int Segment::flush(std::uint64_t& durable, bool indexes) {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  durable = log_->end();
  return flush_open(indexes);
}

int Segment::flush_appended(std::uint64_t& durable) {
  const Pin pin(files_mutex_);
  durable = opened_.load(std::memory_order_acquire) ? log_->end() : 0;
  return durable > 0 ? flush_open(false) : 0;
}

// One file at a time: an append that waits for the log's waits for no index.
int Segment::flush_open(bool indexes) {
  if (indexes) unsynced_ = false;
  int result = sync_alone([this] { return read_only_ ? 0 : sync_file(log_->fd()); });
  if (result == 0 && indexes) result = sync_alone([this] { return offsets_.sync(); });
  if (result == 0 && indexes) result = sync_alone([this] { return times_.sync(); });
  return result;
}

template <typename Sync>
int Segment::sync_alone(Sync sync) {
  std::lock_guard lock(sync_mutex_);
  if (sync_failed_) return -EIO;
  const int result = sync();
  if (result < 0) sync_failed_ = true;
  return result;
}

int Segment::truncate(std::uint64_t position) {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  std::lock_guard lock(write_mutex_);
  const std::uint64_t end = log_->end();
  if (position > end) return -EINVAL;
  Progress progress;
  std::size_t offset_entries;
  std::size_t time_entries;
  if (const int result = progress_at(position, progress, offset_entries, time_entries); result < 0) return result == -EBADMSG ? -EINVAL : result;
  writable_ = false;
  sealed_ = false;
  ragged_ = true;
  scanned_to_ = 0;
  const bool cuts = position < end;
  if (cuts) {
    log_->begin_truncation();
    log_->publish_end(position);
    std::lock_guard recent(recent_mutex_);
    recent_.clear();
  }
  int result = offsets_.cut(offset_entries);
  if (const int times = times_.cut(time_entries); result == 0) result = times;
  if (read_only_) ragged_ = false;
  else if (const int log = truncate_file(log_->fd(), position); log < 0) result = log;
  else ragged_ = false;
  unsynced_ = true;
  if (cuts) cuts_done_.fetch_add(1, std::memory_order_release);
  return result;
}

}  // namespace sluice
