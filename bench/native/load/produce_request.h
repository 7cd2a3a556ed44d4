// Produce version 9 with one batch, for one partition.
#pragma once

#include "batch.h"
#include "wire.h"

namespace load {

// All of a frame but the records and what follows them; `partition_at` is where the partition's number stands.
struct ProduceHead {
  Bytes bytes;
  std::size_t partition_at = 0;
};

constexpr std::size_t kProduceTailBytes = 3;  // three empty tag sections

ProduceHead make_produce_head(const std::string& topic, std::int16_t acks, const Batch& batch);

struct Produced {
  std::int16_t error = 0;
  std::int64_t base_offset = 0;
};

// `head`: what follows the correlation id.
Produced read_produced(View head);

}  // namespace load
