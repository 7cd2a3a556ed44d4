// For tests of segments: what is appended to one, and the answers that it must give then.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "../segment.h"
#include "batches.h"

namespace sluice {

using Bytes = std::vector<std::uint8_t>;

inline SegmentOptions options(const std::string& path, std::int64_t size = -1, std::int64_t base = 100) {
  return {.path = path, .base_offset = base, .size = size, .index_bytes = 1 << 20, .index_interval_bytes = 500, .index_blocks = std::make_shared<IndexBlocks>(4)};
}

// What a segment is to hold: the model that it is judged by.
struct Log {
  std::vector<BatchShape> batches;
  std::uint64_t end = 0;
  std::int64_t next = 100;

  // The first batches only.
  void keep(std::size_t count) {
    for (; batches.size() > count; batches.pop_back()) {
      next = batches.back().base_offset;
      end -= batches.back().bytes;
    }
  }
};

inline int append(Segment& segment, Log& log, std::int32_t records, std::size_t bytes, std::int64_t timestamp) {
  const BatchShape shape{.base_offset = log.next, .records = records, .bytes = bytes, .max_timestamp = timestamp};
  const Bytes batch = make_batch(shape);
  const AppendPart part{batch.data(), batch.size()};
  const int status = segment.append(&part, 1, log.end);
  if (status == 0) {
    log.batches.push_back(shape);
    log.next += records;
  }
  return status;
}

// Every answer against the list of batches.
inline void verify(Segment& segment, const Log& log) {
  std::uint64_t position = 0;
  BatchPlace place;
  for (const BatchShape& batch : log.batches) {
    for (const std::int64_t offset : {batch.base_offset, batch.base_offset + batch.records - 1}) {
      for (const Wait wait : {Wait::Yes, Wait::No}) {
        const int status = segment.locate(offset, wait, place);
        if (wait == Wait::No && status == -EAGAIN) continue;
        CHECK_EQ(status, 0);
        CHECK_EQ(place.position, position);
        CHECK_EQ(place.base_offset, batch.base_offset);
        CHECK_EQ(place.bytes, batch.bytes);
      }
    }
    // The first indexed batch from here on begins here or behind, and is one of the log.
    std::int64_t indexed;
    CHECK_EQ(segment.indexed_offset(position, indexed), 0);
    if (indexed >= 0) {
      CHECK(indexed >= batch.base_offset + batch.records - 1);
      CHECK_EQ(segment.locate(indexed, Wait::Yes, place), 0);
      CHECK(place.position >= position && place.position - position <= 500 + 2 * 800);
    }
    position += batch.bytes;
  }
  std::int64_t behind;
  CHECK_EQ(segment.indexed_offset(position, behind), 0);
  CHECK_EQ(behind, -1);
  CHECK_EQ(segment.locate(log.next, Wait::Yes, place), 0);
  CHECK_EQ(place.position, position);
  CHECK_EQ(place.base_offset, -1);
  CHECK_EQ(place.bytes, 0u);
  for (std::int64_t timestamp = -1; timestamp < 2100; timestamp += 13) {
    std::uint64_t at = 0;
    auto first = log.batches.begin();
    for (; first != log.batches.end() && first->max_timestamp < timestamp; first++) at += first->bytes;
    CHECK_EQ(segment.locate_timestamp(timestamp, place), 0);
    CHECK_EQ(place.position, at);
    CHECK_EQ(place.bytes, first == log.batches.end() ? 0 : first->bytes);
  }
}

inline std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sluice
