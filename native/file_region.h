// A pinned range of a log file on its way to a socket.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "meter.h"

namespace sluice {

// An open log file. Closes with its last reference, so deletion never breaks a reader. Descriptor and counters may be read from any thread.
class LogFile {
 public:
  LogFile(int fd, std::uint64_t size, std::shared_ptr<LogMeter> meter = nullptr) : fd_(fd), meter_(std::move(meter)), end_(size) {}
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
  // Monotonic milliseconds of the last append: what was written a moment ago is resident, no probe needed.
  std::int64_t last_append_ms() const { return last_append_ms_.load(std::memory_order_relaxed); }
  void touched(std::int64_t now_ms) { last_append_ms_.store(now_ms, std::memory_order_relaxed); }

 private:
  const int fd_;
  const std::shared_ptr<LogMeter> meter_;
  std::atomic<std::uint64_t> end_;
  std::atomic<std::uint32_t> truncations_{0};
  std::atomic<std::int64_t> last_append_ms_{0};
};

struct FileRegion {
  std::shared_ptr<const LogFile> file;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
  std::uint32_t truncations = 0;  // of the file when the region was made

  bool valid() const { return file && file->truncations() == truncations && position + length <= file->end(); }
};

}  // namespace sluice
