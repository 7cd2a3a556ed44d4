// Walks the uncompressed records of a batch v2: lengths, offset deltas, keys and timestamps, without looking at what they hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

enum class RecordFault : int { None = 0, Malformed = -1, Offsets = -2 };

struct RecordFacts {
  std::int64_t min_timestamp_delta = 0;
  std::int64_t max_timestamp_delta = 0;
  std::int32_t first_without_key = -1;
  std::int32_t index = -1;  // of the record that has the fault
};

// The bytes must hold exactly `count` records whose offset deltas are 0, 1, 2 … Any bytes may be given: nothing outside of them is read.
RecordFault walk_records(const std::uint8_t* data, std::size_t length, std::int32_t count, RecordFacts& facts);

}  // namespace sluice
