#include "record_batch.h"

#include "big_endian.h"
#include "crc32c.h"

namespace sluice {
namespace {

std::uint32_t crc_of(const std::uint8_t* batch, std::size_t size) { return crc32c(batch + kBatchCrcFrom, size - kBatchCrcFrom); }

}  // namespace

std::int16_t load_be16(const std::uint8_t* at) { return load_be<std::int16_t>(at); }
std::int32_t load_be32(const std::uint8_t* at) { return load_be<std::int32_t>(at); }
std::int64_t load_be64(const std::uint8_t* at) { return load_be<std::int64_t>(at); }
void store_be32(std::uint8_t* at, std::uint32_t value) { store_be(at, value); }
void store_be64(std::uint8_t* at, std::uint64_t value) { store_be(at, value); }

int check_batches(const std::uint8_t* data, std::size_t length, bool compacted) {
  int batches = 0;
  while (length > 0) {
    // Old message sets (magic 0, 1) have the length and the magic byte in the same place but may be shorter than a v2 header:
    // they are told apart first, because the protocol answers them differently from corrupt bytes.
    if (length <= 16) return static_cast<int>(BatchFault::Length);
    const std::int64_t claimed = load_be32(data + 8);
    if (claimed < 0 || static_cast<std::uint64_t>(claimed) > length - kBatchLengthOverhead) return static_cast<int>(BatchFault::Length);
    if (data[16] != 2) return static_cast<int>(BatchFault::Magic);
    if (claimed < kMinBatchLength) return static_cast<int>(BatchFault::Length);
    const BatchHeader header(data);
    const auto size = static_cast<std::size_t>(header.size());
    if (crc_of(data, size) != header.crc()) return static_cast<int>(BatchFault::Crc);
    const std::int64_t offsets = std::int64_t{header.last_offset_delta()} + 1;
    const bool counts = compacted ? header.record_count() >= 0 && header.record_count() <= offsets : header.record_count() == offsets;
    if (offsets < 1 || !counts) return static_cast<int>(BatchFault::Fields);
    batches++;
    data += size;
    length -= size;
  }
  return batches;
}

bool is_one_batch(const std::uint8_t* data, std::size_t length) {
  if (length < kBatchHeaderBytes) return false;
  const BatchHeader header(data);
  return header.length_valid() && header.size() == length && header.magic() == 2;
}

void stamp(std::uint8_t* header, std::int64_t base_offset, std::int32_t leader_epoch) {
  store_be64(header, static_cast<std::uint64_t>(base_offset));
  store_be32(header + 12, static_cast<std::uint32_t>(leader_epoch));
}

void restamp_crc(std::uint8_t* data, std::size_t length) { store_be32(data + 17, crc_of(data, length)); }

}  // namespace sluice
