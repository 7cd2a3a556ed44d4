// Which connections read from the disk first: those that seldom do.
//
// Sending earns credit, byte by byte, and a read of the disk costs several times its bytes. So one that sends from memory, as a rule, has paid for the
// page that was evicted under it, and one that always reads from the disk never has. Neither time nor being new earns any: where fifty wait for a slow
// disk, each of them has soon waited long, and together they would go before everybody else for seconds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace sluice {

class DiskCredit {
 public:
  // `sent`: bytes that the connection has sent in its life. True: paid for. Any thread.
  bool pay(std::int64_t sent, std::uint64_t read) {
    std::lock_guard lock(mutex_);
    credit_ = std::min(kMost, credit_ + sent - sent_);
    sent_ = sent;
    const auto cost = static_cast<std::int64_t>(read) * kCost;
    const bool paid = credit_ >= cost;
    credit_ = std::max<std::int64_t>(0, credit_ - cost);
    return paid;
  }

 private:
  // Readahead makes a reader of the disk send at most as much as was read for it.
  static constexpr std::int64_t kCost = 4;
  // A host that takes memory back evicts some MiB at a time.
  static constexpr std::int64_t kMost = 64 * 1024 * 1024;

  std::mutex mutex_;
  std::int64_t credit_ = 0;
  std::int64_t sent_ = 0;
};

}  // namespace sluice
