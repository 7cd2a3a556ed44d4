// A pinned range of a log file on its way to a socket.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

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

  // -1: closed to save descriptors, which happens to no file that a region pins.
  int fd() const { return fd_.load(std::memory_order_relaxed); }
  // By regions on their way to a socket: what they did with the descriptor is done when the count is seen to fall.
  void pin() { pins_.fetch_add(1, std::memory_order_relaxed); }
  void unpin() { pins_.fetch_sub(1, std::memory_order_release); }
  bool pinned() const { return pins_.load(std::memory_order_acquire) > 0; }
  // Nobody else may use it meanwhile.
  void close_file();
  // It was closed, and goes on with the descriptor of another one.
  void take_file(LogFile& other) { fd_.store(other.fd_.exchange(-1, std::memory_order_relaxed), std::memory_order_relaxed); }
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

  std::atomic<int> fd_;
  std::atomic<std::uint32_t> pins_{0};
  const std::shared_ptr<LogMeter> meter_;
  std::atomic<std::uint64_t> end_;
  std::atomic<std::uint32_t> truncations_{0};
  // Appends are counted in spans of kFreshMs: where this span's and the one's before it began.
  std::atomic<std::int64_t> span_ms_{INT64_MIN / 2};
  std::atomic<std::uint64_t> recent_from_;
  std::atomic<std::uint64_t> earlier_from_;
  ColdMarks cold_marks_;
};

// Keeps a file open as long as it lives, and is the file.
class PinnedFile {
 public:
  PinnedFile() = default;
  PinnedFile(std::shared_ptr<LogFile> file) : file_(std::move(file)) {
    if (file_) file_->pin();
  }
  PinnedFile(const PinnedFile& other) : PinnedFile(other.file_) {}
  PinnedFile(PinnedFile&& other) noexcept : file_(std::move(other.file_)) {}
  PinnedFile& operator=(PinnedFile other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~PinnedFile() { reset(); }

  void reset() {
    if (file_) file_->unpin();
    file_.reset();
  }
  LogFile* operator->() const { return file_.get(); }
  explicit operator bool() const { return file_ != nullptr; }
  long use_count() const { return file_.use_count(); }

 private:
  std::shared_ptr<LogFile> file_;
};

struct FileRegion {
  PinnedFile file;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
  std::uint32_t truncations = 0;  // of the file when the region was made
  Place place = 0;

  bool valid() const { return file && file->truncations() == truncations && position + length <= file->end(); }
};

}  // namespace sluice
