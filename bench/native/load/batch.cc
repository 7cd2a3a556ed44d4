#include "batch.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "../../../native/crc32c.h"

namespace load {
namespace {

constexpr std::size_t kLengthOverhead = 12;  // base offset and length, which the length does not count
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kChecksummedFrom = 21;

Bytes make_record(std::int64_t delta, View value) {
  Writer body;
  body.i8(0);
  body.varint(0);
  body.varint(delta);
  body.varint(-1);
  body.varint(static_cast<std::int64_t>(value.size()));
  body.raw(value);
  body.varint(0);
  Writer record;
  record.varint(static_cast<std::int64_t>(body.size()));
  record.raw(body.bytes());
  return record.take();
}

// Letters in no order, so that nothing on the way can make them smaller by much; the same in every run.
Bytes make_value(std::size_t length) {
  std::minstd_rand random(1);
  Bytes value(length);
  for (std::uint8_t& byte : value) byte = static_cast<std::uint8_t>('A' + random() % 26);
  return value;
}

}  // namespace

Batch make_batch(std::size_t batch_bytes, std::size_t record_bytes) {
  const Bytes value = make_value(record_bytes);
  Bytes records;
  std::int32_t count = 0;
  for (;;) {
    const Bytes record = make_record(count, value);
    if (count > 0 && kBatchHeaderBytes + records.size() + record.size() > batch_bytes) break;
    records.insert(records.end(), record.begin(), record.end());
    count++;
  }
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t timestamp = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  Writer batch;
  batch.i64(0);
  batch.i32(static_cast<std::int32_t>(kBatchHeaderBytes - kLengthOverhead + records.size()));
  batch.i32(-1);
  batch.i8(2);
  batch.i32(0);
  batch.i16(0);
  batch.i32(count - 1);
  batch.i64(timestamp);
  batch.i64(timestamp);
  batch.i64(-1);
  batch.i16(-1);
  batch.i32(-1);
  batch.i32(count);
  batch.raw(records);
  store_be(batch.at(kCrcAt), sluice::crc32c(batch.at(kChecksummedFrom), batch.size() - kChecksummedFrom));
  return {batch.take(), count};
}

Walked walk_batches(View records) {
  Walked walked;
  while (records.size() >= kBatchHeaderBytes) {
    const std::uint8_t* at = records.data();
    const std::size_t size = std::size_t{load_be<std::uint32_t>(at + 8)} + kLengthOverhead;
    if (size < kBatchHeaderBytes || size > INT32_MAX || at[16] != 2) fail("an answer holds something that is no record batch");
    if (size > records.size()) break;
    walked.next_offset = static_cast<std::int64_t>(load_be<std::uint64_t>(at)) + load_be<std::uint32_t>(at + 23) + 1;
    walked.records += load_be<std::uint32_t>(at + 57);
    walked.bytes += static_cast<std::uint32_t>(size);
    records = records.subspan(size);
  }
  return walked;
}

}  // namespace load
