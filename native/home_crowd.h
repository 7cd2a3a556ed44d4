// Whether one connection has the JavaScript thread to itself.
//
// A response too large for an inline attempt goes to an I/O thread so that it holds up nobody. Where there is nobody else, that costs two wake-ups of
// threads and gains nothing: 17 % of the CPU time of fetches of 1 MiB with one of them in flight.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice {

// Times are of monotonic_ms() and do not go back.
class HomeCrowd {
 public:
  // --- JavaScript thread
  // Bytes came from `connection`.
  void heard(std::uint64_t connection, std::int64_t now_ms) {
    if (connection == sole_) return;
    if (now_ms - window_ms_ >= kWindowMs) {
      window_ms_ = now_ms;
      others_ = 0;
    }
    if (++others_ > kFew) crowded_ms_.store(now_ms, std::memory_order_relaxed);
  }
  // `connection` is heard alone; asked for those with large responses.
  bool sole(std::uint64_t connection, std::int64_t now_ms) {
    sole_ = connection;
    return quiet(kQuietMs, now_ms);
  }
  // It lives elsewhere now.
  void left(std::uint64_t connection) {
    if (sole_ == connection) sole_ = 0;
  }

  // --- any thread
  // For so long only the sole connection was heard, or others now and then.
  bool quiet(std::int64_t ms, std::int64_t now_ms) const { return now_ms - crowded_ms_.load(std::memory_order_relaxed) > ms; }

 private:
  static constexpr std::int64_t kWindowMs = 100;
  static constexpr std::int64_t kQuietMs = 200;
  // A consumer's heartbeats and metadata are no crowd.
  static constexpr int kFew = 4;

  std::uint64_t sole_ = 0;
  int others_ = 0;
  std::int64_t window_ms_ = INT64_MIN / 2;
  std::atomic<std::int64_t> crowded_ms_{INT64_MIN / 2};
};

}  // namespace sluice
