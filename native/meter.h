// The truth meter: what was really sent, by which path, and what the page cache had of it. Per listener, and per log.
//
// Bytes are counted by what the system calls returned, so that the sums agree with a count of the calls:
//   bytes sent = own bytes + sendfile + splice + mmap + read/write, and the last four = resident + fresh + read in.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice {

// The same indexes as IoCounter in src/native/numbers.ts; from kFirstOfLog on, less that number, as LogCounter there.
enum class Counter : unsigned {
  ConnectionsAccepted,
  ConnectionsOpen,
  FramesReceived,
  BytesReceived,
  BytesSent,
  HeaderBytes,
  InlineResponses,
  QueuedResponses,
  FrameMemoryBytes,
  ReadPauses,
  StandingAnswers,
  // Of file regions, by the path that moved them.
  SendfileBytes,
  SpliceBytes,
  MmapBytes,
  ReadWriteBytes,
  // Of the same bytes, by what was known of them: found in the page cache by a probe; appended a moment ago; read in while the response waited.
  ResidentBytes,
  FreshBytes,
  ReadInBytes,
  // Responses that waited for the disk, the bytes they waited for, and for how long.
  ColdReads,
  ColdBytes,
  ColdMicros,
  // Regions that were sent to their end.
  Regions,
  // Of a log only.
  AppendedBytes,
  AppendedBatches,
};
inline constexpr unsigned kFirstOfLog = static_cast<unsigned>(Counter::SendfileBytes);
inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::AppendedBytes);
inline constexpr std::size_t kLogCounters = static_cast<std::size_t>(Counter::AppendedBatches) + 1 - kFirstOfLog;

// One per listener and thread that counts: a single writer, any reader.
struct alignas(64) CounterSet {
  std::array<std::atomic<std::int64_t>, kCounters> values{};
  void add(Counter counter, std::int64_t amount) {
    auto& value = values[static_cast<unsigned>(counter)];
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

// Of one log. Any thread may add: the readers of a log are rarely on several threads at the same moment.
class LogMeter {
 public:
  void add(Counter counter, std::int64_t amount) { at(counter).fetch_add(amount, std::memory_order_relaxed); }
  std::int64_t get(std::size_t index) const { return values_[index].load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t>& at(Counter counter) { return values_[static_cast<unsigned>(counter) - kFirstOfLog]; }
  std::array<std::atomic<std::int64_t>, kLogCounters> values_{};
};

// Of one listener: a set for each I/O thread, and one for the JavaScript thread, which sends inline and is the last I/O thread (home).
class ListenerMeter {
 public:
  explicit ListenerMeter(std::size_t io_threads) : threads_(io_threads), sets_(new CounterSet[io_threads + 1]) {}

  CounterSet& of_io_thread(unsigned number) { return sets_[number]; }
  CounterSet& of_javascript() { return sets_[threads_]; }
  // Adds kCounters numbers. Any thread.
  void add_to(double* into) const {
    for (std::size_t set = 0; set <= threads_; set++)
      for (std::size_t i = 0; i < kCounters; i++) into[i] += static_cast<double>(sets_[set].values[i].load(std::memory_order_relaxed));
  }

 private:
  const std::size_t threads_;
  const std::unique_ptr<CounterSet[]> sets_;
};

}  // namespace sluice
