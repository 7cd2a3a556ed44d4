#include "record_walk.h"

#include <limits>

#include "record_cursor.h"

namespace sluice {
namespace {

using Cursor = RecordCursor;

void skip_nullable(Cursor& cursor) {
  const std::int32_t length = cursor.varint();
  if (length > 0) cursor.skip(length);
}

bool skip_headers(Cursor& cursor) {
  const std::int32_t count = cursor.varint();
  if (!cursor.ok() || count < 0 || static_cast<std::uint64_t>(count) * 2 > cursor.left()) return false;
  for (std::int32_t i = 0; i < count && cursor.ok(); i++) {
    cursor.skip(cursor.varint());
    skip_nullable(cursor);
  }
  return cursor.ok();
}

}  // namespace

RecordFault walk_records(const std::uint8_t* data, std::size_t length, std::int32_t count, RecordFacts& facts) {
  facts.min_timestamp_delta = std::numeric_limits<std::int64_t>::max();
  facts.max_timestamp_delta = std::numeric_limits<std::int64_t>::min();
  Cursor all(data, data + length);
  for (std::int32_t i = 0; i < count; i++) {
    facts.index = i;
    Cursor record = all.part(all.varint());
    if (!all.ok()) return RecordFault::Malformed;
    record.skip(1);  // attributes: none is defined for records
    const std::int64_t timestamp_delta = record.varlong();
    const std::int32_t offset_delta = record.varint();
    if (!record.ok()) return RecordFault::Malformed;
    if (offset_delta != i) return RecordFault::Offsets;
    if (timestamp_delta < facts.min_timestamp_delta) facts.min_timestamp_delta = timestamp_delta;
    if (timestamp_delta > facts.max_timestamp_delta) facts.max_timestamp_delta = timestamp_delta;
    const std::int32_t key_length = record.varint();
    if (key_length < 0) {
      if (facts.first_without_key < 0) facts.first_without_key = i;
    } else {
      record.skip(key_length);
    }
    skip_nullable(record);
    if (!record.ok() || !skip_headers(record) || record.left() != 0) return RecordFault::Malformed;
  }
  if (all.left() != 0) {
    facts.index = count;
    return RecordFault::Malformed;
  }
  facts.index = -1;
  return RecordFault::None;
}

}  // namespace sluice
