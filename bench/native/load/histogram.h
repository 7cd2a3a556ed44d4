// Counts durations in buckets whose width is at most 1/128 of their value, in 60 KiB: recording is a few instructions.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "clock.h"

namespace load {

class Histogram {
 public:
  Histogram() : counts_(kBuckets) {}

  void record(Nanoseconds duration) {
    const auto value = static_cast<std::uint64_t>(std::max<Nanoseconds>(0, duration));
    counts_[bucket(value)]++;
    count_++;
    max_ = std::max(max_, value);
  }
  void add(const Histogram& other) {
    for (std::size_t at = 0; at < kBuckets; at++) counts_[at] += other.counts_[at];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }
  std::uint64_t count() const { return count_; }

  // {"count","p50","p99","p999","max","histogram":[[ms,count],…]}; the plot's rows are coarser (1/16).
  std::string json() const;

 private:
  static constexpr int kBits = 7;
  static constexpr std::uint64_t kHalf = std::uint64_t{1} << kBits;
  // Values below 2^kBits have a bucket each; every octave above has 2^kBits.
  static constexpr std::size_t kBuckets = (64 - kBits + 1) * kHalf;

  static std::size_t bucket(std::uint64_t value) {
    if (value < kHalf) return value;
    const int shift = std::bit_width(value) - 1 - kBits;
    return (static_cast<std::size_t>(shift) + 1) * kHalf + ((value >> shift) - kHalf);
  }
  // The largest value that falls into a bucket.
  static std::uint64_t upper(std::size_t bucket) {
    if (bucket < kHalf) return bucket;
    const std::size_t shift = bucket / kHalf - 1;
    return ((bucket % kHalf + kHalf + 1) << shift) - 1;
  }
  std::uint64_t percentile(double share) const;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace load
