// Reading the fields of records, bounded: a position that never passes the end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// What fails leaves ok() false, and later reads give 0.
class RecordCursor {
 public:
  RecordCursor(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}

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
  RecordCursor part(std::int64_t bytes) {
    const std::uint8_t* start = at_;
    skip(bytes);
    return ok_ ? RecordCursor(start, at_) : RecordCursor(at_, at_);
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

}  // namespace sluice
