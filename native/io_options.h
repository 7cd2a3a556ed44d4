// Settings of the I/O threads; the same fields as in src/native/binding.ts, the numbers of numbers.ts.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice {

// Per connection and turn of a thread: others wait for at most so many bytes.
constexpr std::size_t kSendPerRound = 1024 * 1024;

struct IoOptions {
  unsigned threads = 1;
  // Light connections live on the caller's thread, which must call IoServer::turn().
  bool home = false;
  std::int64_t max_frame_bytes = 100 * 1024 * 1024;
  std::int64_t max_idle_ms = 600'000;  // <= 0: never
  std::int64_t max_connections = INT64_MAX;
  std::int64_t max_connections_per_address = INT64_MAX;
  int send_buffer_bytes = -1;
  int receive_buffer_bytes = -1;
  std::int64_t max_unreleased_frames = 128;
  std::int64_t max_unreleased_bytes = 64 * 1024 * 1024;
  std::int64_t max_unsent_bytes = 64 * 1024 * 1024;
};

enum class CloseReason : int { Peer, Reset, Idle, BadFrameLength, MemoryPressure, TransferFailed, Local, TooManyFromAddress };

enum class TransferMode : int { Auto, Sendfile, Splice, Mmap, ReadWrite };

// Live: read with relaxed order once per step of a response.
struct TransferSettings {
  std::atomic<int> mode{static_cast<int>(TransferMode::Auto)};
  std::atomic<std::uint64_t> copy_below{32 * 1024};
  std::atomic<std::uint64_t> inline_below{128 * 1024};
};

}  // namespace sluice
