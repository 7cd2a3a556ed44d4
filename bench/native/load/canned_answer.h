// The few answers that the load generator needs from a server without a broker behind it.
#pragma once

#include <cstdint>

#include "uniform_segment.h"
#include "wire.h"

namespace load {

struct Canned {
  const UniformSegment& segment;
  // Most bytes of a fetch, whatever it asks for.
  std::int64_t most_bytes;
  std::uint16_t port;
};

constexpr std::size_t kFetchTailBytes = 3;  // empty tag sections of partition, topic and answer

struct FileRange {
  std::int64_t position = 0;
  std::int64_t length = 0;
};

// Writes the answer to one request (a frame without its length) into `out`, with its length prefix. A Fetch answer goes on with the bytes of
// the range and kFetchTailBytes zero bytes; others have length 0. Throws Failure for a request that is not canned.
FileRange canned_answer(View request, const Canned& canned, Writer& out);

}  // namespace load
