// Recovery: walks whole batches, checks them, rebuilds the indexes.
#include <cerrno>
#include <climits>
#include <cstring>

#include "crc32c.h"
#include "segment.h"

namespace sluice {
namespace {

constexpr std::size_t kScanBuffer = 1 << 20;
// Where only headers are looked at, and lie as far apart as kLargeBatch, what is between them is not read.
constexpr std::size_t kHeaderWindow = 4096;
constexpr std::uint64_t kLargeBatch = 32 * 1024;
// Index entries are written in groups: a segment of small batches has hundreds of thousands.
constexpr std::size_t kEntriesPerWrite = 4096;

// A sequential view of a file through one buffer of fixed size, whatever lengths the file claims.
class ScanBuffer {
 public:
  ScanBuffer(int fd, std::uint64_t end) : fd_(fd), end_(end), bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kScanBuffer)) {}

  // At least `need` bytes (at most `window`, and there must be so many before the end) at `position`. nullptr: error() says why.
  const std::uint8_t* at(std::uint64_t position, std::size_t need, std::size_t window = kScanBuffer) {
    if (position >= start_ && position + need <= start_ + length_) return bytes_.get() + (position - start_);
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(window, end_ - position));
    const std::int64_t got = read_at(fd_, bytes_.get(), want, position, Wait::Yes);
    start_ = position;
    length_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    if (length_ >= need) return bytes_.get();
    error_ = got < 0 ? static_cast<int>(got) : -EIO;
    return nullptr;
  }
  int error() const { return error_; }

  // CRC of [from, to). False: error() says why.
  bool crc(std::uint64_t from, std::uint64_t to, std::uint32_t& crc) {
    crc = 0;
    while (from < to) {
      const std::uint8_t* bytes = at(from, 1);
      if (bytes == nullptr) return false;
      const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(to, start_ + length_) - from);
      crc = crc32c(bytes, here, crc);
      from += here;
    }
    return true;
  }

 private:
  const int fd_;
  const std::uint64_t end_;
  const std::unique_ptr<std::uint8_t[]> bytes_;
  std::uint64_t start_ = 0;
  std::size_t length_ = 0;
  int error_ = 0;
};

void add_row(std::vector<std::uint8_t>& rows, std::uint64_t position, const std::uint8_t* header) {
  const std::size_t at = rows.size();
  rows.resize(at + kScanRowBytes);
  store_be64(rows.data() + at, position);
  std::memcpy(rows.data() + at + 8, header, kBatchHeaderBytes);
}

// Which batches of a scan get a row.
class Rows {
 public:
  explicit Rows(const ScanRequest& request) : request_(request) {}

  void add(std::vector<std::uint8_t>& rows, std::uint64_t position, const std::uint8_t* bytes) {
    const BatchHeader batch(bytes);
    const bool producer = batch.producer_id() >= 0 || batch.control();
    if (!request_.only_news) {
      if (!request_.only_idempotent || producer) add_row(rows, position, bytes);
      return;
    }
    const bool added = producer || !any_ || batch.leader_epoch() != epoch_;
    if (added) add_row(rows, position, bytes);
    epoch_ = batch.leader_epoch();
    last_.keep(position, bytes, added);
    if (!any_ || batch.max_timestamp() > BatchHeader(newest_.bytes).max_timestamp()) newest_.keep(position, bytes, added);
    any_ = true;
  }
  void finish(std::vector<std::uint8_t>& rows) {
    if (!any_) return;
    if (!newest_.added) add_row(rows, newest_.position, newest_.bytes);
    if (!last_.added && last_.position != newest_.position) add_row(rows, last_.position, last_.bytes);
  }

 private:
  struct Kept {
    void keep(std::uint64_t at, const std::uint8_t* header, bool is_added) {
      position = at;
      added = is_added;
      std::memcpy(bytes, header, kBatchHeaderBytes);
    }
    std::uint64_t position = 0;
    bool added = false;
    std::uint8_t bytes[kBatchHeaderBytes] = {};
  };
  const ScanRequest& request_;
  bool any_ = false;
  std::int32_t epoch_ = 0;
  Kept last_;
  Kept newest_;
};

}  // namespace

int Segment::begin_rebuild(std::uint64_t position) {
  if (const int result = open_indexes(true); result < 0) return result;
  unsynced_ = true;
  writable_ = false;
  sealed_ = false;
  if (position > 0 && position == scanned_to_) return 0;
  std::size_t offset_entries = 0;
  std::size_t time_entries = 0;
  if (position == 0) {
    scanned_ = Progress{};
    scanned_.last_offset = base_offset_ - 1;
  } else if (const int result = progress_at(position, scanned_, offset_entries, time_entries); result < 0) {
    return result;
  }
  const int result = offsets_.cut(offset_entries);
  return result < 0 ? result : times_.cut(time_entries);
}

int Segment::flush_rebuilt(NewEntries& entries) {
  const int result = write_entries(entries);
  if (result < 0) return result;
  publish_entries(entries);
  entries.offsets.clear();
  entries.times.clear();
  return 0;
}

ScanResult Segment::scan(const ScanRequest& request) {
  ScanResult result;
  result.position = request.position;
  Pin pin;
  if (result.status = open(pin); result.status < 0) return result;
  if (request.position > log_->end()) {
    result.status = -EINVAL;
    return result;
  }
  std::lock_guard lock(write_mutex_);
  if (request.rebuild_indexes) {
    if (result.status = begin_rebuild(request.position); result.status < 0) return result;
  } else if (request.position == 0 || request.position != scanned_to_) {
    scanned_ = Progress{};
    scanned_.last_offset = base_offset_ - 1;
  }
  Progress progress = scanned_;
  result = scan_batches(request, progress);
  scanned_ = progress;
  scanned_to_ = result.status >= 0 ? result.position : 0;
  return result;
}

ScanResult Segment::scan_batches(const ScanRequest& request, Progress& progress) {
  ScanResult result;
  const std::uint64_t end = log_->end();
  std::uint64_t position = request.position;
  ScanBuffer buffer(log_->fd(), end);
  NewEntries entries;
  std::uint64_t batch_bytes = 0;  // of the last one
  Rows rows(request);
  const auto stop = [&](int status, ScanFault fault = ScanFault::None) {
    rows.finish(result.rows);
    result.status = status;
    result.fault = fault;
    result.position = position;
    if (request.rebuild_indexes && status >= 0) {
      if (const int written = flush_rebuilt(entries); written < 0) result.status = written;
    }
    return result;
  };
  const auto invalid = [&](ScanFault fault) { return stop(static_cast<int>(ScanEnd::Invalid), fault); };
  while (position < end) {
    if (position - request.position >= request.max_bytes || result.rows.size() / kScanRowBytes >= request.max_rows) return stop(static_cast<int>(ScanEnd::More));
    if (end - position < kBatchHeaderBytes) return invalid(ScanFault::Torn);
    const bool sparsely = !request.verify_crc && batch_bytes >= kLargeBatch;
    const std::uint8_t* bytes = buffer.at(position, kBatchHeaderBytes, sparsely ? kHeaderWindow : kScanBuffer);
    if (bytes == nullptr) return stop(buffer.error());
    // The buffer moves on while the CRC is computed.
    std::uint8_t kept[kBatchHeaderBytes];
    std::memcpy(kept, bytes, sizeof kept);
    const BatchHeader batch(kept);
    if (!batch.length_valid()) return invalid(ScanFault::Length);
    if (batch.magic() != 2) return invalid(ScanFault::Magic);
    if (batch.size() > end - position) return invalid(ScanFault::Torn);
    if (!batch.offsets_valid() || batch.base_offset() <= progress.last_offset || batch.last_offset() - base_offset_ > INT32_MAX) return invalid(ScanFault::Offsets);
    if (request.verify_crc) {
      std::uint32_t crc;
      if (!buffer.crc(position + kBatchCrcFrom, position + batch.size(), crc)) return stop(buffer.error());
      if (crc != batch.crc()) return invalid(ScanFault::Crc);
    }
    note(progress, position, batch.size(), batch.last_offset(), batch.max_timestamp(), batch.last_offset(), entries);
    rows.add(result.rows, position, kept);
    batch_bytes = batch.size();
    position += batch_bytes;
    if (!request.rebuild_indexes) {
      entries.offsets.clear();
      entries.times.clear();
    } else if (entries.offsets.size() >= kEntriesPerWrite) {
      if (const int written = flush_rebuilt(entries); written < 0) return stop(written);
    }
  }
  return stop(static_cast<int>(ScanEnd::End));
}

int Segment::check_indexes() {
  Pin pin;
  if (const int result = open(pin); result < 0) return result;
  const std::uint64_t end = log_->end();
  if (end > 0 && (!offsets_.is_open() || !times_.is_open())) return -ENOENT;
  if (!offsets_.sound() || !times_.sound()) return -EBADMSG;
  IndexEntry entry;
  if (offsets_.last(entry) && static_cast<std::uint64_t>(entry.value) >= end) return -EBADMSG;
  if (end == 0 && times_.entries() > 0) return -EBADMSG;
  return 0;
}

}  // namespace sluice
