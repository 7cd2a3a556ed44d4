// Fetch (version 12 by topic name, 13 to 17 by topic id) of one partition.
#pragma once

#include "client.h"
#include "wire.h"

namespace load {

constexpr std::int16_t kFirstFetchById = 13;

struct FetchOptions {
  std::int16_t version = 12;
  std::int32_t max_bytes = 1 << 20;
  // How long the broker may wait for a first byte.
  std::int32_t max_wait_ms = 0;
};

// A whole frame whose offset is to be stored at `offset_at`.
struct FetchFrame {
  Bytes bytes;
  std::size_t offset_at = 0;
};

FetchFrame make_fetch(const Topic& topic, int partition, const FetchOptions& options);

struct Fetched {
  std::int16_t error = 0;
  std::int64_t high_watermark = 0;
  std::size_t records_bytes = 0;
  View records;  // as far as the bytes that were parsed reach
};

// `head`: the beginning of what follows the correlation id, at least up to the records.
Fetched read_fetched(View head, std::int16_t version);

}  // namespace load
