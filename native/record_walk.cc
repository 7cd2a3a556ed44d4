#include "record_walk.h"

#include <limits>

namespace sluice {
namespace {

// A position that never passes the end: what fails leaves `ok` false, and later reads give 0.
class Cursor {
 public:
  Cursor(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}

  bool ok() const { return ok_; }
  const std::uint8_t* at() const { return at_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  std::int32_t varint() {
    const std::uint64_t raw = varying(5);
    const auto value = static_cast<std::uint32_t>(raw);
    return static_cast<std::int32_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  std::int64_t varlong() {
    const std::uint64_t value = varying(10);
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  void skip(std::int64_t bytes) {
    if (bytes < 0 || static_cast<std::uint64_t>(bytes) > left()) ok_ = false;
    else at_ += bytes;
  }
  // The next `bytes` as a cursor of their own; this one steps over them.
  Cursor part(std::int64_t bytes) {
    const std::uint8_t* start = at_;
    skip(bytes);
    return ok_ ? Cursor(start, at_) : Cursor(at_, at_);
  }

 private:
  std::uint64_t varying(int most_bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < most_bytes && at_ < end_; i++) {
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

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
