#include "histogram.h"

#include <cmath>
#include <cstdio>

namespace load {
namespace {

std::string milliseconds(std::uint64_t nanoseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", static_cast<double>(nanoseconds) / 1e6);
  return text;
}

}  // namespace

std::uint64_t Histogram::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < kBuckets; at++) {
    seen += counts_[at];
    if (seen >= wanted && seen > 0) return std::min(upper(at), max_);
  }
  return max_;
}

std::string Histogram::json() const {
  constexpr std::size_t kMerged = 8;
  std::string rows;
  for (std::size_t at = 0; at < kBuckets; at += kMerged) {
    std::uint64_t count = 0;
    for (std::size_t each = at; each < at + kMerged; each++) count += counts_[each];
    if (count == 0) continue;
    rows += (rows.empty() ? "[" : ",[") + milliseconds(upper(at + kMerged - 1)) + "," + std::to_string(count) + "]";
  }
  return "{\"count\":" + std::to_string(count_) + ",\"p50\":" + milliseconds(percentile(0.5)) + ",\"p99\":" + milliseconds(percentile(0.99)) +
         ",\"p999\":" + milliseconds(percentile(0.999)) + ",\"max\":" + milliseconds(max_) + ",\"histogram\":[" + rows + "]}";
}

}  // namespace load
