// Kafka's protocol types, and the request header (version 2; ApiVersions version 0 has header version 1).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../../native/big_endian.h"
#include "failure.h"

namespace load {

using sluice::load_be;
using sluice::store_be;

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;
using Uuid = std::array<std::uint8_t, 16>;

enum class Api : std::int16_t { Produce = 0, Fetch = 1, ListOffsets = 2, Metadata = 3, ApiVersions = 18 };

class Writer {
 public:
  void i8(std::int8_t value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void i16(std::int16_t value) { append(static_cast<std::uint16_t>(value)); }
  void i32(std::int32_t value) { append(static_cast<std::uint32_t>(value)); }
  void i64(std::int64_t value) { append(static_cast<std::uint64_t>(value)); }
  void boolean(bool value) { i8(value ? 1 : 0); }
  void unsigned_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  void varint(std::int64_t value) { unsigned_varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63)); }
  void array(std::size_t count) { unsigned_varint(count + 1); }
  void text(std::string_view value) {
    unsigned_varint(value.size() + 1);
    raw({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  }
  void null() { unsigned_varint(0); }
  void no_tags() { unsigned_varint(0); }
  void raw(View bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  // Empty again; keeps its memory.
  void clear() { bytes_.clear(); }
  std::size_t size() const { return bytes_.size(); }
  std::uint8_t* at(std::size_t position) { return bytes_.data() + position; }
  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  template <typename Unsigned>
  void append(Unsigned value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store_be(bytes_.data() + bytes_.size() - sizeof value, value);
  }

  Bytes bytes_;
};

// Reads what a peer sent: throws Failure when it ends too early.
class Reader {
 public:
  explicit Reader(View bytes) : rest_(bytes) {}

  View take(std::size_t length) {
    if (length > rest_.size()) fail("an answer ends too early");
    const View taken = rest_.first(length);
    rest_ = rest_.subspan(length);
    return taken;
  }
  std::int8_t i8() { return static_cast<std::int8_t>(take(1)[0]); }
  std::int16_t i16() { return static_cast<std::int16_t>(load_be<std::uint16_t>(take(2).data())); }
  std::int32_t i32() { return static_cast<std::int32_t>(load_be<std::uint32_t>(take(4).data())); }
  std::int64_t i64() { return static_cast<std::int64_t>(load_be<std::uint64_t>(take(8).data())); }
  std::uint64_t unsigned_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = take(1)[0];
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    fail("an answer holds a varint of more than 10 bytes");
  }
  // 0 for null, too.
  std::size_t array() {
    const std::uint64_t count = unsigned_varint();
    return count == 0 ? 0 : count - 1;
  }
  std::string text() {
    const View bytes = take(array());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  Uuid uuid() {
    Uuid id;
    std::memcpy(id.data(), take(id.size()).data(), id.size());
    return id;
  }
  void tags() {
    for (std::uint64_t count = unsigned_varint(); count > 0; count--) {
      unsigned_varint();
      take(unsigned_varint());
    }
  }
  void skip_i32s() { take(4 * array()); }

  View rest() const { return rest_; }

 private:
  View rest_;
};

constexpr std::size_t kCorrelationAt = 8;  // in a request frame

// Begins a frame: its length (see `frame`) and the header.
inline Writer request(Api api, std::int16_t version) {
  constexpr std::string_view kClientId = "load";
  Writer writer;
  writer.i32(0);
  writer.i16(static_cast<std::int16_t>(api));
  writer.i16(version);
  writer.i32(0);
  writer.i16(static_cast<std::int16_t>(kClientId.size()));
  writer.raw({reinterpret_cast<const std::uint8_t*>(kClientId.data()), kClientId.size()});
  if (api != Api::ApiVersions) writer.no_tags();
  return writer;
}

// Stores the length prefix; `more` bytes follow that are not in the writer.
inline Bytes frame(Writer writer, std::size_t more = 0) {
  store_be(writer.at(0), static_cast<std::uint32_t>(writer.size() - 4 + more));
  return writer.take();
}

}  // namespace load
