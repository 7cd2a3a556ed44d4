// Record batches (format version 2): one made to measure, and walking those of an answer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire.h"

namespace load {

constexpr std::size_t kBatchHeaderBytes = 61;

struct Batch {
  Bytes bytes;
  std::int32_t records = 0;
};

// Uncompressed, without keys: as many records of `record_bytes` as fit into `batch_bytes`, at least one.
Batch make_batch(std::size_t batch_bytes, std::size_t record_bytes);

struct Walked {
  std::int64_t next_offset = -1;  // -1: not even one whole batch
  std::uint32_t bytes = 0;        // of whole batches
  std::uint32_t records = 0;
};

// Whole batches; a cut last one is left out. Throws Failure for what is not a batch.
Walked walk_batches(View records);

}  // namespace load
