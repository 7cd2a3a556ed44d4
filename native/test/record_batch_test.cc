#include "../record_batch.h"

#include <climits>
#include <random>

#include "batches.h"

using namespace sluice;

namespace {

using Bytes = std::vector<std::uint8_t>;

int check(const Bytes& bytes) { return check_batches(bytes.data(), bytes.size()); }

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

void header() {
  const Bytes batch = make_batch({.base_offset = 1234567890123, .records = 7, .bytes = 300, .max_timestamp = 1700000000000, .producer_id = 99});
  const BatchHeader view(batch.data());
  CHECK_EQ(view.base_offset(), 1234567890123);
  CHECK_EQ(view.last_offset(), 1234567890129);
  CHECK_EQ(view.size(), 300u);
  CHECK_EQ(view.max_timestamp(), 1700000000000);
  CHECK_EQ(view.producer_id(), 99);
  CHECK_EQ(view.record_count(), 7);
  CHECK(!view.control());
  CHECK(is_one_batch(batch.data(), batch.size()));
  CHECK(!is_one_batch(batch.data(), batch.size() - 1));
}

void faults() {
  const Bytes good = make_batch({.records = 3});
  CHECK_EQ(check({}), 0);
  CHECK_EQ(check(good), 1);
  CHECK_EQ(check(joined({good, good, make_batch({.bytes = 61})})), 3);
  CHECK_EQ(check(joined({good, {0}})), -1);
  CHECK_EQ(check(Bytes(good.begin(), good.end() - 1)), -1);
  for (const std::int32_t length : {INT_MIN, -1, 0, 48, 189, INT_MAX}) {
    Bytes bad = good;
    store_be32(bad.data() + 8, static_cast<std::uint32_t>(length));
    CHECK_EQ(check(bad), -1);
  }
  Bytes old = good;
  old[16] = 1;
  CHECK_EQ(check(old), -2);
  // A message set of magic 0 is shorter than a v2 header, and still told apart.
  Bytes tiny(26, 0);
  tiny[11] = 14;
  CHECK_EQ(check(tiny), -2);
  for (std::size_t at = kBatchCrcFrom; at < good.size(); at++) {
    Bytes flipped = good;
    flipped[at] ^= 1;
    CHECK_EQ(check(flipped), -3);
  }
  for (const std::int32_t count : {INT_MIN, -1, 0, 2, 4, INT_MAX}) {
    Bytes bad = good;
    store_be32(bad.data() + 57, static_cast<std::uint32_t>(count));
    restamp_crc(bad.data(), bad.size());
    CHECK_EQ(check(bad), -4);
  }
  Bytes moved = good;  // the broker's own fields are outside the CRC
  store_be64(moved.data(), 77);
  store_be32(moved.data() + 12, 5);
  CHECK_EQ(check(moved), 1);
  // What compaction leaves: fewer records than offsets, or none.
  for (const std::int32_t count : {-1, 0, 2, 3, 4}) {
    Bytes left = good;
    store_be32(left.data() + 23, 2);
    store_be32(left.data() + 57, static_cast<std::uint32_t>(count));
    restamp_crc(left.data(), left.size());
    CHECK_EQ(check(left), count == 3 ? 1 : -4);
    CHECK_EQ(check_batches(left.data(), left.size(), true), count < 0 || count > 3 ? -4 : 1);
  }
}

void noise() {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; i++) {
    Bytes bytes(random() % 200);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 4);
    CHECK(check(bytes) <= 0);
  }
}

}  // namespace

int main() {
  header();
  faults();
  noise();
}
