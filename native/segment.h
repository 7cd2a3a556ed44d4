// One segment of a log: `.log`, `.index`, `.timeindex`. No policy, no threads: the caller says on which thread each call may run.
//
// Threads. "disk" calls may block and run on disk threads; writers (append, seal, truncate, a rebuilding scan) exclude each other by a lock, and
// a strand keeps their order. Look-ups run beside them: they never touch memory that a writer frees, and find out about a cut by two
// counters (truncations before, cuts done after), and then try again.
//
// Order of publication in an append: log bytes, index bytes, end of the log, index entries. So every visible entry points below the visible end.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "batch_walk.h"
#include "file_region.h"
#include "frame_pool.h"
#include "index.h"
#include "open_files.h"
#include "record_batch.h"

namespace sluice {

struct SegmentOptions {
  std::string path;  // without the suffixes
  std::int64_t base_offset = 0;
  std::int64_t size = -1;  // valid bytes of .log; -1: the files are created
  std::size_t index_bytes = 10 << 20;
  std::uint64_t index_interval_bytes = 4096;
  std::shared_ptr<LogMeter> meter{};  // of the log, for what is sent of it
  std::uint64_t reserve_bytes = 0;    // of disk, for a new .log before its first byte
  std::string state{};                // behind the suffixes: ".cleaned" while compaction writes it
  // The log is somebody else's and opened for reading only; a cut only has it taken for shorter. So is an index that is a symbolic link: before it
  // is changed, a copy takes its place.
  bool read_only = false;
  std::shared_ptr<OpenFiles> open_files{};  // bounds how many are open; null: nothing does
  std::shared_ptr<IndexBlocks> index_blocks{};  // null: look-ups always read the index
};

// One batch. The bytes stay valid during the call.
struct AppendPart {
  const std::uint8_t* data;
  std::size_t length;
  const std::uint8_t* stamped = nullptr;  // kBatchHeaderBytes that are written instead of those that the batch begins with; null: its own

  BatchHeader header() const { return BatchHeader(stamped ? stamped : data); }
};

// As Location in src/native/numbers.ts.
struct BatchPlace {
  std::uint64_t position = 0;
  std::int64_t base_offset = -1;
  std::uint64_t bytes = 0;
};

struct ScanRequest {
  std::uint64_t position = 0;
  std::uint64_t max_bytes = 0;
  std::uint64_t max_rows = 0;
  bool verify_crc = false;
  bool rebuild_indexes = false;
  bool only_idempotent = false;
  // Rows only of batches of producers with an id, of the first of each leader epoch, and at the end of the one with the largest timestamp and the last one.
  bool only_news = false;
};

enum class ScanEnd : int { End = 0, More = 1, Invalid = 2 };
enum class ScanFault : int { None = 0, Length = 1, Magic = 2, Crc = 3, Offsets = 4, Torn = 5 };
constexpr std::size_t kScanRowBytes = 72;

struct ScanResult {
  int status = 0;  // ScanEnd or -errno
  std::vector<std::uint8_t> rows;
  std::uint64_t position = 0;  // after the last good batch
  ScanFault fault = ScanFault::None;
};

struct SegmentFigures {
  std::uint64_t size = 0;
  std::size_t offset_entries = 0;
  std::size_t time_entries = 0;
  std::int64_t last_timestamp = -1;
  std::int64_t last_timestamp_offset = 0;
  std::uint32_t truncations = 0;
  bool open = false;  // its files, now
};

class Segment : public Closable, public std::enable_shared_from_this<Segment> {
 public:
  explicit Segment(SegmentOptions options);

  // Any thread, never blocks.
  void moved(std::string path);
  // Its log folder's: the jobs of one place share threads.
  Place place() const { return place_; }
  SegmentFigures figures() const;
  // Of a segment that was opened once. Opens its files again where they were closed to save descriptors, which seldom waits.
  std::optional<FileRegion> region(std::uint64_t position, std::uint64_t length);

  // See Closable. Any thread.
  bool take_used() override { return used_.exchange(false, std::memory_order_relaxed); }
  bool try_close() override;
  void make_closable() override;
  // Opens the files, which stay open from now on: they are about to get other names. Disk. 0 or -errno.
  int keep_open();

  // Disk. Each opens what it needs. 0 or -errno; -EBADMSG: bytes that are not what they should be.
  int prepare(std::uint64_t& size);
  // Validates all, writes all with one call, publishes all; `end` receives the position behind the last. After a failure nothing is visible.
  int append(const AppendPart* parts, std::size_t count, std::uint64_t& end);
  // Also ends the time index with the largest timestamp of the segment: the given one, or a larger one that was appended.
  int seal(std::int64_t max_timestamp, std::int64_t offset_of_max_timestamp);
  // Order: log, offset index, time index, as Kafka; or the log alone, from which the indexes can be made anew. A failed sync is never tried again: the kernel may have dropped the pages, a second try would lie.
  int flush(std::uint64_t& durable, bool indexes = true);
  // As flush of the log alone, behind an append. Nothing is tried, and `durable` is 0, where the files were closed in between.
  int flush_appended(std::uint64_t& durable);
  // Cuts to a batch boundary (else -EINVAL, nothing is changed). A sealed segment takes appends again.
  int truncate(std::uint64_t position);
  ScanResult scan(const ScanRequest& request);
  int check_indexes();
  int locate_timestamp(std::int64_t timestamp, BatchPlace& out);
  // The last offset of the first batch at or behind `position` that the offset index knows; -1: none.
  int indexed_offset(std::uint64_t position, std::int64_t& offset);
  int read(std::uint64_t position, std::size_t length, FramePool& frames, FrameRef& out);

  // The batch that holds `offset`, or the first behind it (offsets may have gaps). Where it fits into `limit` bytes, `bytes` is how much of them is whole
  // batches: the torn batch that a limit leaves would be read, sent and thrown away. Of small batches, whose headers are many, and for a small limit it is `limit`.
  // Wait::No: any thread, -EAGAIN when the disk would be waited for.
  int locate(std::int64_t offset, Wait wait, BatchPlace& out, std::uint64_t limit = 0);

 private:
  // What index entries are made from, as of some position: by appending, or by walking the log.
  struct Progress {
    std::int64_t last_offset = -1;
    std::int64_t max_timestamp = -1;
    std::int64_t offset_of_max_timestamp = -1;
    std::int64_t last_indexed_timestamp = -1;
    std::uint64_t bytes_since_entry = 0;
  };
  struct NewEntries {
    std::vector<IndexEntry> offsets;
    std::vector<IndexEntry> times;
  };
  struct RecentBatch {
    std::uint64_t position;
    std::int64_t base_offset;
    std::int64_t last_offset;
    std::uint64_t bytes;
  };
  // Where the batch behind those that were found begins: the next offset that their reader asks for. Holds as long as nothing is cut.
  struct Boundary {
    std::int64_t offset = -1;
    std::uint64_t position = 0;
    std::uint32_t truncations = 0;
    // That batch; no bytes: not known.
    BatchPlace batch{};
    std::int64_t last_offset = -1;
  };
  static constexpr std::size_t kReaders = 128;
  static constexpr std::size_t kBoundaryWays = 4;
  static constexpr std::uint64_t kFewBatches = 4;
  static constexpr unsigned kMostHeaders = 8;
  static constexpr std::uint64_t kLeastLimit = 16 * 1024;  // a torn batch of less is not worth a look

  // The files are open, and stay so as long as the pin is held. Taken before write_mutex_.
  using Pin = std::shared_lock<std::shared_mutex>;
  int open(Pin& pin, bool may_wait = true);
  int open_now(bool& anew);
  int open_files();
  int flush_open(bool indexes);
  template <typename Sync>
  int sync_alone(Sync sync);
  std::string path() const;
  int open_indexes(bool create);
  int check_whole() const;
  int make_writable();
  // Progress at `position`, a batch boundary, and how many index entries lie below it.
  int progress_at(std::uint64_t position, Progress& progress, std::size_t& offset_entries, std::size_t& time_entries);
  int walk_progress(std::uint64_t from, std::uint64_t to, Progress& progress) const;
  void note(Progress& progress, std::uint64_t position, std::uint64_t bytes, std::int64_t last_offset, std::int64_t max_timestamp,
            std::int64_t offset_of_max_timestamp, NewEntries& entries) const;
  int write_entries(NewEntries& entries);
  int trim_indexes();
  void publish_entries(const NewEntries& entries);
  int check_parts(const AppendPart* parts, std::size_t count, std::uint64_t end) const;
  void remember(const std::vector<RecentBatch>& batches);
  int locate_once(std::int64_t offset, Wait wait, std::uint64_t limit, BatchPlace& out);
  bool locate_recent(std::int64_t offset, std::uint64_t limit, BatchPlace& out) const;
  bool holds(const IndexGap& gap, std::int64_t offset, Wait wait, BatchPlace& out) const;
  int walk_to(std::int64_t offset, std::uint64_t from, Wait wait, BatchPlace& out, std::int64_t& last_offset);
  static bool few(std::uint64_t bytes, std::uint64_t limit) { return bytes <= limit && bytes * kFewBatches >= limit && limit >= kLeastLimit; }
  int add_whole(std::uint64_t limit, Wait wait, BatchPlace& place, Boundary& next) const;
  static std::size_t boundary_set(std::int64_t offset);
  bool find_boundary(std::int64_t offset, Boundary& out) const;
  void remember_boundary(std::int64_t asked, const Boundary& next);
  int locate_timestamp_once(std::int64_t timestamp, BatchPlace& out);
  template <typename Look>
  int beside_cuts(Wait wait, Look look);
  int begin_rebuild(std::uint64_t position);
  int flush_rebuilt(NewEntries& entries);
  ScanResult scan_batches(const ScanRequest& request, Progress& progress);

  const std::int64_t base_offset_;
  const std::int64_t stated_size_;
  const std::uint64_t interval_;
  const std::string state_;
  const bool read_only_;
  const std::shared_ptr<LogMeter> meter_;
  const std::uint64_t reserve_bytes_;
  const Place place_;

  mutable std::mutex path_mutex_;
  std::string path_;

  std::mutex open_mutex_;  // opening; disk threads only
  std::atomic<bool> loaded_{false};
  std::shared_ptr<LogFile> log_;  // set once, before loaded_
  std::atomic<bool> opened_{false};  // its files are open now
  std::shared_mutex files_mutex_;    // closing them excludes all use
  std::atomic<bool> used_{false};
  std::atomic<bool> unsynced_{false};
  std::atomic<bool> keeps_open_{false};
  ino_t inode_ = 0;  // of the .log; set by open_files
  dev_t device_ = 0;
  const std::shared_ptr<OpenFiles> open_files_;

  Index offsets_;
  Index times_;

  std::mutex write_mutex_;  // writers; disk threads only
  bool writable_ = false;   // files are there, progress_ is as of the end
  bool ragged_ = false;     // .log may have bytes behind the end
  bool sealed_ = false;
  Progress progress_;
  // Where a scan that goes on stops (guarded by write_mutex_).
  std::uint64_t scanned_to_ = 0;
  Progress scanned_;

  std::atomic<std::uint32_t> cuts_done_{0};
  std::mutex sync_mutex_;  // whoever syncs: the kernel tells a failure once for each open file, not to all who wait for it
  bool sync_failed_ = false;

  mutable std::mutex recent_mutex_;  // never held during I/O
  std::deque<RecentBatch> recent_;   // the newest batches, in order, without gaps up to recent_end_
  std::uint64_t recent_end_ = 0;
  std::vector<Boundary> boundaries_;  // behind what was found last, for kReaders readers, in sets by the offset; none before the first
};

}  // namespace sluice
