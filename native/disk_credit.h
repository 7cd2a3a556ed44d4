// Which connections read from the disk first: those that seldom do.
//
// Sending earns credit, byte by byte, and a read of the disk costs several times its bytes. So one that sends from memory, as a rule, has paid for the
// page that was evicted under it, and one that always reads from the disk never has.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice {

class DiskCredit {
 public:
  // `sent`: bytes that the connection has sent in its life. True: paid for.
  bool pay(std::int64_t sent, std::uint64_t read) {
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
  // One read's: nobody is known from the start for a reader of the disk.
  static constexpr std::int64_t kFirst = 1024 * 1024;

  std::int64_t credit_ = kFirst;
  std::int64_t sent_ = 0;
};

}  // namespace sluice
