// A pinned range of a log file on its way to a socket.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "clock.h"
#include "cold_marks.h"
#include "disk_queue.h"
#include "meter.h"

namespace sluice {

// An open log file. Closes with its last reference, so deletion never breaks a reader. Descriptor and counters may be read from any thread.
class LogFile {
 public:
  LogFile(int fd, std::uint64_t size, std::shared_ptr<LogMeter> meter = nullptr)
      : fd_(fd), meter_(std::move(meter)), end_(size), recent_from_(size), earlier_from_(size) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  int fd() const { return fd_; }
  // Of its log; null: nobody counts.
  LogMeter* meter() const { return meter_.get(); }
  // Bytes that are written and may be read; release/acquire.
  std::uint64_t end() const { return end_.load(std::memory_order_acquire); }
  void publish_end(std::uint64_t end) { end_.store(end, std::memory_order_release); }
  // Rises before every cut: a region made under an older count never sends another byte.
  std::uint32_t truncations() const { return truncations_.load(std::memory_order_acquire); }
  void begin_truncation() { truncations_.fetch_add(1, std::memory_order_acq_rel); }
  // Whether what stands behind `position` was written seconds ago: it is resident then, no probe needed. Monotonic milliseconds.
  bool fresh(std::uint64_t position, std::int64_t now_ms) const;
  // Bytes from `position` to the end were appended. By one thread at a time, before publish_end().
  void appended(std::uint64_t position, std::int64_t now_ms);
  // Reads of disk threads, this process's from opening on.
  ColdMarks& cold_marks() { return cold_marks_; }

 private:
  static constexpr std::int64_t kFreshMs = 3000;

  const int fd_;
  const std::shared_ptr<LogMeter> meter_;
  std::atomic<std::uint64_t> end_;
  std::atomic<std::uint32_t> truncations_{0};
  // Appends are counted in spans of kFreshMs: where this span's and the one's before it began.
  std::atomic<std::int64_t> span_ms_{INT64_MIN / 2};
  std::atomic<std::uint64_t> recent_from_;
  std::atomic<std::uint64_t> earlier_from_;
  ColdMarks cold_marks_;
};

struct FileRegion {
  std::shared_ptr<LogFile> file;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
  std::uint32_t truncations = 0;  // of the file when the region was made
  Place place = 0;

  bool valid() const { return file && file->truncations() == truncations && position + length <= file->end(); }
};

}  // namespace sluice
