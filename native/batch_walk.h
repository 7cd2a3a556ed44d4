// Steps over batch headers of a file, without reading what lies between them.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "file_io.h"
#include "record_batch.h"

namespace sluice {

// Reads a small window at a time: neighbouring small batches share one system call, large ones cost one each.
class BatchWalk {
 public:
  // Covers most of one index interval (4 KiB by default).
  static constexpr std::size_t kWindowBytes = 4096;

  // `window`: at most kWindowBytes are read at a time, at least a header.
  BatchWalk(int fd, std::uint64_t position, std::uint64_t end, Wait wait, std::size_t window = kWindowBytes)
      : fd_(fd), position_(position), end_(end), wait_(wait), most_(window) {}

  // 1: `header()` is the batch at position(); 0: the end; else -errno: -EBADMSG when the bytes are no batch that ends before the end,
  // -EAGAIN when it would have to wait (or has read a lot without waiting: that is for a disk thread).
  int look() {
    if (position_ == end_) return 0;
    if (end_ - position_ < kBatchHeaderBytes) return -EBADMSG;
    if (position_ < window_at_ || position_ + kBatchHeaderBytes > window_at_ + window_bytes_) {
      if (wait_ == Wait::No && ++reads_ > kMaxReadsWithoutWait) return -EAGAIN;
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(most_, end_ - position_));
      const std::int64_t got = read_at(fd_, window_.data(), want, position_, wait_);
      if (got < 0) return static_cast<int>(got);
      if (got < static_cast<std::int64_t>(kBatchHeaderBytes)) return wait_ == Wait::No ? -EAGAIN : -EBADMSG;
      window_at_ = position_;
      window_bytes_ = static_cast<std::size_t>(got);
    }
    const BatchHeader batch = header();
    if (!batch.length_valid() || batch.magic() != 2 || batch.size() > end_ - position_ || !batch.offsets_valid()) return -EBADMSG;
    return 1;
  }
  void step() { position_ += header().size(); }

  BatchHeader header() const { return BatchHeader(window_.data() + (position_ - window_at_)); }
  std::uint64_t position() const { return position_; }

 private:
  static constexpr int kMaxReadsWithoutWait = 64;

  const int fd_;
  std::uint64_t position_;
  const std::uint64_t end_;
  const Wait wait_;
  const std::size_t most_;
  int reads_ = 0;
  std::uint64_t window_at_ = 0;
  std::size_t window_bytes_ = 0;
  std::array<std::uint8_t, kWindowBytes> window_;
};

}  // namespace sluice
