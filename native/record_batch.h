// A view of a record batch v2 header: 61 bytes, big-endian, before the records (which may be compressed and are not looked at here).
//
//   0 baseOffset i64 · 8 batchLength i32 (bytes behind this field) · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32 (CRC-32C of byte 21
//   to the end) · 21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 · 43 producerId i64
//   · 51 producerEpoch i16 · 53 baseSequence i32 · 57 recordCount i32
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

constexpr std::size_t kBatchHeaderBytes = 61;
constexpr std::size_t kBatchLengthOverhead = 12;  // baseOffset and batchLength, which batchLength does not count
constexpr std::size_t kBatchCrcFrom = 21;
constexpr std::int64_t kMinBatchLength = static_cast<std::int64_t>(kBatchHeaderBytes - kBatchLengthOverhead);

std::int16_t load_be16(const std::uint8_t* at);
std::int32_t load_be32(const std::uint8_t* at);
std::int64_t load_be64(const std::uint8_t* at);
void store_be32(std::uint8_t* at, std::uint32_t value);
void store_be64(std::uint8_t* at, std::uint64_t value);

// Points to at least kBatchHeaderBytes, which it does not own.
class BatchHeader {
 public:
  explicit BatchHeader(const std::uint8_t* bytes) : bytes_(bytes) {}

  const std::uint8_t* bytes() const { return bytes_; }
  std::int64_t base_offset() const { return load_be64(bytes_); }
  std::int32_t batch_length() const { return load_be32(bytes_ + 8); }
  // Of the whole batch. Meaningful when length_valid().
  std::uint64_t size() const { return static_cast<std::uint64_t>(batch_length()) + kBatchLengthOverhead; }
  bool length_valid() const { return batch_length() >= kMinBatchLength; }
  std::int32_t leader_epoch() const { return load_be32(bytes_ + 12); }
  std::uint8_t magic() const { return bytes_[16]; }
  std::uint32_t crc() const { return static_cast<std::uint32_t>(load_be32(bytes_ + 17)); }
  std::int16_t attributes() const { return load_be16(bytes_ + 21); }
  bool control() const { return (attributes() & 0x20) != 0; }
  std::int32_t last_offset_delta() const { return load_be32(bytes_ + 23); }
  std::int64_t last_offset() const { return base_offset() + last_offset_delta(); }
  std::int64_t max_timestamp() const { return load_be64(bytes_ + 35); }
  std::int64_t producer_id() const { return load_be64(bytes_ + 43); }
  std::int32_t record_count() const { return load_be32(bytes_ + 57); }

  // Offsets that can be computed with: not negative, and their sum below 2^53 (JavaScript counts them in doubles).
  bool offsets_valid() const {
    return base_offset() >= 0 && base_offset() < (std::int64_t{1} << 53) - INT32_MAX && last_offset_delta() >= 0;
  }

 private:
  const std::uint8_t* bytes_;
};

// What checkBatches answers below 0.
enum class BatchFault : int { Length = -1, Magic = -2, Crc = -3, Fields = -4 };

// Checks that the range is whole batches as a producer may send them: length within the range, magic 2, CRC, and as many records as the
// last offset delta tells (Kafka's rule for producers), or, `compacted`, at most so many, which compaction leaves. Base offsets are not looked at.
// Returns the number of batches, or the fault of the first bad one.
int check_batches(const std::uint8_t* data, std::size_t length, bool compacted = false);

// True when the range is exactly one batch by its length field and magic.
bool is_one_batch(const std::uint8_t* data, std::size_t length);

// Writes the two fields that a leader assigns. They lie before what the CRC covers.
void stamp(std::uint8_t* header, std::int64_t base_offset, std::int32_t leader_epoch);

// Recomputes and stores the CRC of the one batch in the range (is_one_batch must hold).
void restamp_crc(std::uint8_t* data, std::size_t length);

}  // namespace sluice
