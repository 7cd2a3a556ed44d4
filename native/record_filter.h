// Leaving out records of one batch: what compaction writes for a batch of which not all stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "record_batch.h"

namespace sluice {

constexpr std::int16_t kLogAppendTime = 0x08;
constexpr std::int16_t kTransactional = 0x10;
constexpr std::int16_t kControl = 0x20;
constexpr std::int16_t kDeleteHorizon = 0x40;
constexpr std::int16_t kCompression = 0x07;

// One uncompressed record; points into the bytes it was read from.
struct RecordView {
  const std::uint8_t* bytes;  // with its length
  const std::uint8_t* behind_timestamp;
  const std::uint8_t* end;
  std::int64_t timestamp_delta;
  std::int32_t offset_delta;
  const std::uint8_t* key;
  std::int32_t key_length;  // below 0: none
  bool has_value;
};

// The records of a batch. False: the bytes are not `count` records within the offsets of the batch.
bool read_records(const BatchHeader& batch, const std::uint8_t* records, std::size_t length, std::vector<RecordView>& into);

// The batch with some of its records (at least one), not compressed, at the end of `into`; offsets, sequences, epochs and codec bits stay. `new_horizon`:
// the delete horizon that is set with this (KIP-534), or -1. Lengths and CRC are those of the uncompressed form.
void write_filtered(const BatchHeader& batch, const std::vector<RecordView>& kept, std::int64_t new_horizon, std::vector<std::uint8_t>& into);

// A batch without records that keeps offsets, producer and sequences (61 bytes).
void write_empty(const BatchHeader& batch, std::vector<std::uint8_t>& into);

}  // namespace sluice
