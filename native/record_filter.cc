#include "record_filter.h"

#include <algorithm>
#include <cstring>

#include "big_endian.h"
#include "record_cursor.h"

namespace sluice {
namespace {

void put_varlong(std::vector<std::uint8_t>& into, std::int64_t value) {
  auto raw = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  while (raw >= 0x80) {
    into.push_back(static_cast<std::uint8_t>(raw) | 0x80);
    raw >>= 7;
  }
  into.push_back(static_cast<std::uint8_t>(raw));
}

std::size_t varlong_bytes(std::int64_t value) {
  auto raw = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  std::size_t bytes = 1;
  for (; raw >= 0x80; raw >>= 7) bytes++;
  return bytes;
}

void put(std::vector<std::uint8_t>& into, const std::uint8_t* from, std::size_t length) { into.insert(into.end(), from, from + length); }

void put_record(std::vector<std::uint8_t>& into, const RecordView& record, std::int64_t timestamp_delta) {
  const auto rest = static_cast<std::size_t>(record.end - record.behind_timestamp);
  put_varlong(into, static_cast<std::int64_t>(1 + varlong_bytes(timestamp_delta) + rest));
  into.push_back(0);  // attributes: none is defined for records
  put_varlong(into, timestamp_delta);
  put(into, record.behind_timestamp, rest);
}

std::int64_t base_timestamp(const BatchHeader& batch) { return load_be64(batch.bytes() + 27); }
// Of hostile bytes, too: what does not fit wraps.
std::int64_t sum(std::int64_t a, std::int64_t b) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b)); }
std::int64_t difference(std::int64_t a, std::int64_t b) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)); }

void finish(std::uint8_t* batch, std::size_t size) {
  store_be32(batch + 8, static_cast<std::uint32_t>(size - kBatchLengthOverhead));
  restamp_crc(batch, size);
}

}  // namespace

bool read_records(const BatchHeader& batch, const std::uint8_t* records, std::size_t length, std::vector<RecordView>& into) {
  into.clear();
  const std::int32_t count = batch.record_count();
  // A record has at least 7 bytes: what can't be true takes no memory.
  if (count < 0 || static_cast<std::uint64_t>(count) * 7 > length) return false;
  into.reserve(static_cast<std::size_t>(count));
  RecordCursor all(records, records + length);
  for (std::int32_t i = 0; i < count; i++) {
    RecordView view{};
    view.bytes = all.at();
    RecordCursor record = all.part(all.varint());
    if (!all.ok()) return false;
    view.end = all.at();
    record.skip(1);
    view.timestamp_delta = record.varlong();
    view.behind_timestamp = record.at();
    view.offset_delta = record.varint();
    view.key_length = record.varint();
    view.key = record.at();
    if (view.key_length > 0) record.skip(view.key_length);
    view.has_value = record.varint() >= 0;
    if (!record.ok() || view.offset_delta < 0 || view.offset_delta > batch.last_offset_delta()) return false;
    into.push_back(view);
  }
  return all.left() == 0;
}

void write_filtered(const BatchHeader& batch, const std::vector<RecordView>& kept, std::int64_t new_horizon, std::vector<std::uint8_t>& into) {
  const std::size_t start = into.size();
  const std::int64_t old_base = base_timestamp(batch);
  const std::int16_t attributes = batch.attributes();
  const bool log_append_time = (attributes & kLogAppendTime) != 0;
  const auto timestamp = [&](const RecordView& record) { return log_append_time ? batch.max_timestamp() : sum(old_base, record.timestamp_delta); };
  // The base timestamp is the first record's, unless it is the delete horizon.
  std::int64_t base = old_base;
  if (new_horizon >= 0) base = new_horizon;
  else if ((attributes & kDeleteHorizon) == 0) base = timestamp(kept.front());
  put(into, batch.bytes(), kBatchHeaderBytes);
  std::int64_t largest = timestamp(kept.front());
  for (const RecordView& record : kept) {
    const std::int64_t at = timestamp(record);
    largest = std::max(largest, at);
    if (base == old_base) put(into, record.bytes, static_cast<std::size_t>(record.end - record.bytes));
    else put_record(into, record, difference(at, base));
  }
  std::uint8_t* out = into.data() + start;
  store_be<std::int16_t>(out + 21, static_cast<std::int16_t>(attributes | (new_horizon >= 0 ? kDeleteHorizon : 0)));
  store_be64(out + 27, static_cast<std::uint64_t>(base));
  store_be64(out + 35, static_cast<std::uint64_t>(largest));
  store_be32(out + 57, static_cast<std::uint32_t>(kept.size()));
  finish(out, into.size() - start);
}

void write_empty(const BatchHeader& batch, std::vector<std::uint8_t>& into) {
  const std::size_t start = into.size();
  put(into, batch.bytes(), kBatchHeaderBytes);
  std::uint8_t* out = into.data() + start;
  store_be<std::int16_t>(out + 21, static_cast<std::int16_t>(batch.attributes() & (kLogAppendTime | kTransactional | kControl)));
  store_be64(out + 27, static_cast<std::uint64_t>(-1));
  store_be32(out + 57, 0);
  finish(out, kBatchHeaderBytes);
}

}  // namespace sluice
