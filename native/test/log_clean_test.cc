#include "../log_clean.h"

#include <cstring>
#include <map>
#include <optional>
#include <random>

#include "batches.h"

using namespace sluice;

namespace {

using Bytes = std::vector<std::uint8_t>;

struct Record {
  std::int32_t offset_delta;
  std::int64_t timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

void put_varlong(Bytes& into, std::int64_t value) {
  auto raw = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; raw >= 0x80; raw >>= 7) into.push_back(static_cast<std::uint8_t>(raw) | 0x80);
  into.push_back(static_cast<std::uint8_t>(raw));
}

void put_text(Bytes& into, const std::optional<std::string>& text) {
  put_varlong(into, text ? static_cast<std::int64_t>(text->size()) : -1);
  if (text) into.insert(into.end(), text->begin(), text->end());
}

struct BatchFields {
  std::int64_t base_offset = 0;
  std::int32_t last_delta = -1;  // -1: the last record's
  std::int16_t attributes = 0;
  std::int64_t producer_id = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;
};

Bytes encode(const BatchFields& fields, const std::vector<Record>& records) {
  Bytes batch(kBatchHeaderBytes);
  const std::int64_t base = records.empty() ? -1 : records.front().timestamp;
  std::int64_t largest = base;
  for (const Record& record : records) {
    Bytes body{0};
    put_varlong(body, record.timestamp - base);
    put_varlong(body, record.offset_delta);
    put_text(body, record.key);
    put_text(body, record.value);
    put_varlong(body, 0);
    put_varlong(batch, static_cast<std::int64_t>(body.size()));
    batch.insert(batch.end(), body.begin(), body.end());
    largest = std::max(largest, record.timestamp);
  }
  store_be64(batch.data(), static_cast<std::uint64_t>(fields.base_offset));
  store_be32(batch.data() + 8, static_cast<std::uint32_t>(batch.size() - kBatchLengthOverhead));
  store_be32(batch.data() + 12, 5);
  batch[16] = 2;
  batch[21] = static_cast<std::uint8_t>(fields.attributes >> 8);
  batch[22] = static_cast<std::uint8_t>(fields.attributes);
  store_be32(batch.data() + 23, static_cast<std::uint32_t>(fields.last_delta >= 0 ? fields.last_delta : records.back().offset_delta));
  store_be64(batch.data() + 27, static_cast<std::uint64_t>(base));
  store_be64(batch.data() + 35, static_cast<std::uint64_t>(largest));
  store_be64(batch.data() + 43, static_cast<std::uint64_t>(fields.producer_id));
  batch[51] = static_cast<std::uint8_t>(fields.epoch >> 8);
  batch[52] = static_cast<std::uint8_t>(fields.epoch);
  store_be32(batch.data() + 53, static_cast<std::uint32_t>(fields.sequence));
  store_be32(batch.data() + 57, static_cast<std::uint32_t>(records.size()));
  restamp_crc(batch.data(), batch.size());
  return batch;
}

Bytes marker(std::int64_t offset, std::int64_t producer_id, bool commit) {
  const std::string key{0, 0, 0, static_cast<char>(commit ? 1 : 0)};
  return encode({.base_offset = offset, .attributes = kTransactional | kControl, .producer_id = producer_id, .epoch = 0}, {{0, 1000, key, std::string(6, '\0')}});
}

struct Files {
  explicit Files(std::int64_t base = 0)
      : source(*segments_.emplace_back(std::make_unique<Segment>(SegmentOptions{.path = folder.file("00000000000000000000"), .base_offset = base}))),
        into(*segments_.emplace_back(
            std::make_unique<Segment>(SegmentOptions{.path = folder.file("00000000000000000000"), .base_offset = base, .state = ".cleaned"}))) {}

  void append(const Bytes& batch) {
    const AppendPart part{batch.data(), batch.size()};
    std::uint64_t end;
    CHECK_EQ(source.append(&part, 1, end), 0);
    next = part.header().last_offset() + 1;
  }

  // Both passes over the one segment; what came out, batch by batch.
  std::vector<Bytes> clean(LogClean& clean, CleanRules rules, std::vector<AbortedTransaction> aborted = {},
                           std::unordered_map<std::int64_t, ActiveProducer> producers = {}) {
    clean.begin_map(0);
    clean.add_aborted(aborted.data(), aborted.size());
    std::uint64_t position = 0;
    int status = 1;
    while (status == 1) {
      const CleanPiece piece = clean.map(source, position, 100);
      position = piece.position;
      status = piece.status;
    }
    CHECK_EQ(status, 0);
    clean.mapped_to(next);
    clean.begin_filter(rules, std::move(producers));
    clean.add_aborted(aborted.data(), aborted.size());
    position = 0;
    status = 1;
    while (status == 1) {
      const CleanPiece piece = clean.filter(source, into, position, 100);
      position = piece.position;
      status = piece.status;
    }
    CHECK_EQ(status, 0);
    std::uint64_t size = 0;
    CHECK_EQ(clean.finish(into, size), 0);
    return read(size);
  }

  std::vector<Bytes> read(std::uint64_t size) {
    Bytes all(size);
    CHECK_EQ(read_at(into.region(0, size)->file->fd(), all.data(), all.size(), 0, Wait::Yes), static_cast<std::int64_t>(size));
    std::vector<Bytes> batches;
    for (std::size_t at = 0; at < all.size();) {
      const BatchHeader header(all.data() + at);
      const auto length = static_cast<std::size_t>(header.size());
      batches.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + length));
      Bytes copy = batches.back();
      restamp_crc(copy.data(), copy.size());
      CHECK(copy == batches.back());
      at += length;
    }
    return batches;
  }

  TempFolder folder;
  // On the heap: ThreadSanitizer takes a mutex for that of another test which had its place on the stack.
  std::vector<std::unique_ptr<Segment>> segments_;
  Segment& source;
  Segment& into;
  std::int64_t next = 0;
};

std::vector<RecordView> records(const Bytes& batch) {
  std::vector<RecordView> views;
  CHECK(read_records(BatchHeader(batch.data()), batch.data() + kBatchHeaderBytes, batch.size() - kBatchHeaderBytes, views));
  return views;
}

std::int64_t timestamp_of(const Bytes& batch, const RecordView& record) { return load_be64(batch.data() + 27) + record.timestamp_delta; }

void test_sip_hash() {
  // The first vectors of the reference implementation: key 00 01 … 0f, messages of 0 and 1 byte.
  const KeyHash none = sip_hash(0x0706050403020100, 0x0f0e0d0c0b0a0908, nullptr, 0);
  CHECK_EQ(none.high, 0xe6a825ba047f81a3u);
  CHECK_EQ(none.low, 0x930255c71472f66du);
  const std::uint8_t zero = 0;
  const KeyHash one = sip_hash(0x0706050403020100, 0x0f0e0d0c0b0a0908, &zero, 1);
  CHECK_EQ(one.high, 0x44af996bd8c187dau);
  CHECK_EQ(one.low, 0x45fc229b11597634u);
}

void test_offset_map() {
  OffsetMap map(2000, 1800);
  std::map<std::string, std::int64_t> model;
  std::mt19937 random(7);
  for (std::int64_t offset = 0; offset < 20000; offset++) {
    const std::string key = "key-" + std::to_string(random() % 2500);
    const bool known = model.contains(key);
    const bool put = map.put(reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), offset);
    CHECK_EQ(put, known || model.size() < 1800);
    if (put) model[key] = offset;
  }
  CHECK_EQ(map.size(), model.size());
  for (int i = 0; i < 2500; i++) {
    const std::string key = "key-" + std::to_string(i);
    const auto found = model.find(key);
    CHECK_EQ(map.get(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()), found == model.end() ? -1 : found->second);
  }
}

void test_newest_values_stay() {
  Files files;
  files.append(encode({.base_offset = 0}, {{0, 100, "a", "1"}, {1, 110, "b", "1"}, {2, 120, "c", "1"}}));
  files.append(encode({.base_offset = 3}, {{0, 130, "a", "2"}, {1, 140, "b", "2"}}));
  files.append(encode({.base_offset = 5}, {{0, 150, "d", "1"}, {1, 160, std::nullopt, "no key"}}));
  LogClean clean(100, 90, 0);
  const auto batches = files.clean(clean, {.now_ms = 1000, .delete_retention_ms = 50, .end_offset = 7});
  CHECK_EQ(batches.size(), 3u);
  const BatchHeader first(batches[0].data());
  CHECK_EQ(first.base_offset(), 0);
  CHECK_EQ(first.last_offset(), 2);
  CHECK_EQ(first.record_count(), 1);
  const auto kept = records(batches[0]);
  CHECK_EQ(kept[0].offset_delta, 2);
  CHECK_EQ(timestamp_of(batches[0], kept[0]), 120);
  CHECK_EQ(load_be32(batches[0].data() + 12), 5);
  CHECK_EQ(BatchHeader(batches[1].data()).record_count(), 2);
  CHECK_EQ(BatchHeader(batches[2].data()).record_count(), 1);
  CHECK_EQ(clean.figures().without_key, 1u);
  CHECK_EQ(clean.figures().keys, 4u);
}

void test_tombstones_wait_for_their_horizon() {
  const auto tombstones = [](std::int64_t now, const Bytes& before) {
    Files files;
    files.append(before);
    LogClean clean(100, 90, 0);
    return files.clean(clean, {.now_ms = now, .delete_retention_ms = 500, .end_offset = 99});
  };
  const Bytes fresh = encode({.base_offset = 0}, {{0, 100, "a", std::nullopt}, {1, 110, "b", "1"}});
  const auto marked = tombstones(1000, fresh);
  CHECK_EQ(marked.size(), 1u);
  CHECK_EQ(BatchHeader(marked[0].data()).attributes(), kDeleteHorizon);
  CHECK_EQ(load_be64(marked[0].data() + 27), 1500);
  const auto kept = records(marked[0]);
  CHECK_EQ(kept.size(), 2u);
  CHECK_EQ(timestamp_of(marked[0], kept[0]), 100);
  CHECK_EQ(timestamp_of(marked[0], kept[1]), 110);
  // Before the horizon nothing changes, from it on the tombstone is gone and the horizon stays where it was.
  CHECK(tombstones(1499, marked[0])[0] == marked[0]);
  const auto gone = tombstones(1500, marked[0]);
  CHECK_EQ(records(gone[0]).size(), 1u);
  CHECK_EQ(load_be64(gone[0].data() + 27), 1500);
  CHECK_EQ(timestamp_of(gone[0], records(gone[0])[0]), 110);
}

void test_last_batches_stay_empty() {
  Files files;
  files.append(encode({.base_offset = 0, .producer_id = 7, .epoch = 1, .sequence = 4}, {{0, 100, "a", "1"}, {1, 110, "b", "1"}}));
  files.append(encode({.base_offset = 2, .producer_id = 8, .epoch = 1, .sequence = 0}, {{0, 120, "b", "2"}}));
  files.append(encode({.base_offset = 3}, {{0, 130, "a", "2"}, {1, 140, "b", "3"}}));
  files.append(encode({.base_offset = 5}, {{0, 150, std::nullopt, "no key"}}));
  LogClean clean(100, 90, 0);
  const auto batches = files.clean(clean, {.now_ms = 1000, .delete_retention_ms = 500, .end_offset = 6}, {}, {{7, {1, 1}}});
  CHECK_EQ(batches.size(), 3u);
  const BatchHeader empty(batches[0].data());
  CHECK_EQ(empty.size(), kBatchHeaderBytes);
  CHECK_EQ(empty.base_offset(), 0);
  CHECK_EQ(empty.last_offset(), 1);
  CHECK_EQ(empty.producer_id(), 7);
  CHECK_EQ(load_be32(batches[0].data() + 53), 4);
  CHECK_EQ(empty.max_timestamp(), 110);
  CHECK_EQ(load_be64(batches[0].data() + 27), -1);
  CHECK_EQ(BatchHeader(batches[1].data()).base_offset(), 3);
  // What ends the part that was cleaned tells where it ends.
  CHECK_EQ(BatchHeader(batches[2].data()).base_offset(), 5);
  CHECK_EQ(BatchHeader(batches[2].data()).record_count(), 0);
}

void test_aborted_records_go_and_markers_follow() {
  Files files;
  files.append(encode({.base_offset = 0, .attributes = kTransactional, .producer_id = 1, .epoch = 0}, {{0, 100, "a", "committed"}}));
  files.append(encode({.base_offset = 1, .attributes = kTransactional, .producer_id = 2, .epoch = 0}, {{0, 110, "a", "aborted"}}));
  files.append(marker(2, 1, true));
  files.append(marker(3, 2, false));
  files.append(marker(4, 3, true));
  const std::vector<AbortedTransaction> aborted{{2, 1, 3, 4}};
  LogClean first(100, 90, 0);
  const auto once = files.clean(first, {.now_ms = 1000, .delete_retention_ms = 500, .end_offset = 99}, aborted);
  CHECK_EQ(once.size(), 4u);
  CHECK_EQ(records(once[0]).size(), 1u);
  CHECK_EQ(BatchHeader(once[1].data()).base_offset(), 2);
  CHECK_EQ(BatchHeader(once[2].data()).base_offset(), 3);
  // The transaction of the marker at 4 has no record: it goes when its horizon has passed. That at 3 had one until now.
  CHECK_EQ(BatchHeader(once[2].data()).attributes() & kDeleteHorizon, 0);
  CHECK_EQ(BatchHeader(once[3].data()).attributes() & kDeleteHorizon, kDeleteHorizon);
  const auto kept = first.take_kept_aborted();
  CHECK_EQ(kept.size(), 1u);
  CHECK_EQ(kept[0].producer_id, 2);

  Files again;
  for (const Bytes& batch : once) again.append(batch);
  LogClean second(100, 90, 0);
  const auto twice = again.clean(second, {.now_ms = 1500, .delete_retention_ms = 500, .end_offset = 99});
  CHECK_EQ(twice.size(), 3u);
  CHECK_EQ(BatchHeader(twice[2].data()).base_offset(), 3);
  CHECK_EQ(BatchHeader(twice[2].data()).attributes() & kDeleteHorizon, kDeleteHorizon);
  CHECK(second.take_kept_aborted().empty());
}

void test_compressed_batches_are_handed_out() {
  Files files;
  // "Compressed" bytes are nobody's business here: the records come from outside.
  Bytes packed = encode({.base_offset = 0, .attributes = 3}, {{0, 100, "x", "x"}});
  store_be32(packed.data() + 23, 1);
  store_be32(packed.data() + 57, 2);
  restamp_crc(packed.data(), packed.size());
  files.append(packed);
  files.append(encode({.base_offset = 2}, {{0, 120, "a", "2"}}));
  const Bytes plain = encode({.base_offset = 0}, {{0, 100, "a", "1"}, {1, 110, "b", "1"}});
  const std::uint8_t* inside = plain.data() + kBatchHeaderBytes;
  const std::size_t length = plain.size() - kBatchHeaderBytes;
  LogClean clean(100, 90, 0);
  clean.begin_map(0);
  const CleanPiece piece = clean.map(files.source, 0, 1 << 20);
  CHECK_EQ(piece.status, static_cast<int>(CleanStep::Compressed));
  CHECK(piece.batch == packed);
  CHECK_EQ(clean.map_records(inside, length), 0);
  CHECK_EQ(clean.map_records(inside, length), -EINVAL);
  CHECK_EQ(clean.map(files.source, piece.position, 1 << 20).status, 0);
  clean.begin_filter({.now_ms = 1000, .delete_retention_ms = 500, .end_offset = 99}, {});
  const CleanPiece filtered = clean.filter(files.source, files.into, 0, 1 << 20);
  CHECK_EQ(filtered.status, static_cast<int>(CleanStep::Compressed));
  Bytes rewritten;
  CHECK_EQ(clean.filter_records(files.into, inside, length, rewritten), static_cast<int>(CleanStep::Compressed));
  CHECK_EQ(BatchHeader(rewritten.data()).record_count(), 1);
  CHECK_EQ(BatchHeader(rewritten.data()).attributes(), 3);
  rewritten.pop_back();
  CHECK_EQ(clean.write(files.into, rewritten), 0);
  CHECK_EQ(clean.filter(files.source, files.into, filtered.position, 1 << 20).status, 0);
  std::uint64_t size = 0;
  CHECK_EQ(clean.finish(files.into, size), 0);
  CHECK_EQ(files.read(size).size(), 2u);
}

void test_what_is_broken_is_told() {
  Files files;
  files.append(encode({.base_offset = 0}, {{0, 100, "a", "1"}}));
  Bytes wrong = encode({.base_offset = 1}, {{0, 100, "a", "1"}});
  wrong.back() ^= 1;
  files.append(wrong);
  LogClean clean(100, 90, 0);
  clean.begin_map(0);
  CHECK_EQ(clean.map(files.source, 0, 1 << 20).status, -EBADMSG);

  // A CRC that is right over records that are none.
  Files more;
  Bytes odd = encode({.base_offset = 0}, {{0, 100, "a", "1"}});
  odd[kBatchHeaderBytes] = 0x7f;
  restamp_crc(odd.data(), odd.size());
  more.append(odd);
  clean.begin_map(0);
  CHECK_EQ(clean.map(more.source, 0, 1 << 20).status, -EBADMSG);
}

void test_any_bytes_as_records() {
  std::mt19937 random(3);
  const Bytes sound = encode({.base_offset = 0}, {{0, 100, "key", "value"}, {1, 110, "b", std::nullopt}, {2, 90, std::nullopt, "v"}});
  std::vector<RecordView> views;
  for (int round = 0; round < 20000; round++) {
    Bytes bytes = sound;
    for (unsigned flips = 1 + random() % 3; flips > 0; flips--) bytes[kBatchHeaderBytes + random() % (bytes.size() - kBatchHeaderBytes)] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) store_be32(bytes.data() + 57, random());
    const BatchHeader header(bytes.data());
    if (!read_records(header, bytes.data() + kBatchHeaderBytes, bytes.size() - kBatchHeaderBytes, views)) continue;
    Bytes out;
    if (!views.empty()) write_filtered(header, views, round % 2 == 0 ? 1000 : -1, out);
  }
}

void test_a_full_map_ends_the_pass() {
  Files files;
  for (int i = 0; i < 20; i++) files.append(encode({.base_offset = i}, {{0, 100, "key-" + std::to_string(i), "1"}}));
  LogClean clean(10, 5, 0);
  clean.begin_map(0);
  const CleanPiece piece = clean.map(files.source, 0, 1 << 20);
  CHECK_EQ(piece.status, static_cast<int>(CleanStep::Full));
  CHECK_EQ(clean.figures().latest_offset, 4);
}

}  // namespace

int main() {
  test_sip_hash();
  test_offset_map();
  test_newest_values_stay();
  test_tombstones_wait_for_their_horizon();
  test_last_batches_stay_empty();
  test_aborted_records_go_and_markers_follow();
  test_compressed_batches_are_handed_out();
  test_what_is_broken_is_told();
  test_any_bytes_as_records();
  test_a_full_map_ends_the_pass();
}
