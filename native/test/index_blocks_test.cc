#include "../index_blocks.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "../big_endian.h"
#include "check.h"

using namespace sluice;

namespace {

using Bytes = std::vector<std::uint8_t>;

// Keys first, first + 10 ... with the value key * 2.
Bytes entries(std::int32_t first, std::size_t count) {
  Bytes bytes(count * IndexBlocks::kEntryBytes);
  for (std::size_t i = 0; i < count; i++) {
    const std::int32_t key = first + static_cast<std::int32_t>(i) * 10;
    store_be<std::int32_t>(bytes.data() + i * 8, key);
    store_be<std::int32_t>(bytes.data() + i * 8 + 4, key * 2);
  }
  return bytes;
}

void finds() {
  IndexBlocks blocks(16);
  const IndexBlocks::Id id{IndexBlocks::new_content(), 3};
  IndexBlocks::Found found;
  CHECK(!blocks.find(id, 1, 100, found));
  blocks.keep(id, entries(100, 5).data(), 5);
  CHECK(!blocks.find(id, 6, 100, found));
  CHECK(!blocks.find({id.content, 4}, 5, 100, found));
  CHECK(!blocks.find({IndexBlocks::new_content(), 3}, 5, 100, found));
  CHECK(blocks.find(id, 5, 99, found));
  CHECK_EQ(found.count, 0u);
  for (std::int64_t key = 100; key < 160; key++) {
    const std::int64_t entry = std::min<std::int64_t>(key / 10 * 10, 140);
    CHECK(blocks.find(id, 5, key, found));
    CHECK_EQ(found.entry.key, entry);
    CHECK_EQ(found.entry.value, entry * 2);
    CHECK_EQ(found.next.key, entry < 140 ? entry + 10 : -1);
    CHECK_EQ(found.count, static_cast<std::size_t>((entry - 100) / 10 + 1));
  }
  // An index that others see less of.
  CHECK(blocks.find(id, 2, 150, found));
  CHECK_EQ(found.entry.key, 110);
  CHECK_EQ(found.next.key, -1);
}

void learns_and_grows() {
  IndexBlocks blocks(16);
  const IndexBlocks::Id id{IndexBlocks::new_content(), 0};
  IndexBlocks::Found found;
  blocks.learn(id, 1, {7, 7000});  // of what is not here: nothing
  blocks.keep(id, entries(0, 3).data(), 3);
  CHECK(blocks.find(id, 3, 15, found));
  CHECK_EQ(found.behind.bytes, 0u);
  blocks.learn(id, found.count, {7, 7000});
  blocks.learn(id, IndexBlocks::kEntries + 1, {1, 1});
  blocks.learn(id, 0, {1, 1});
  blocks.keep(id, entries(0, IndexBlocks::kEntries).data(), IndexBlocks::kEntries);
  blocks.keep(id, entries(0, 3).data(), 3);  // from before it grew
  CHECK(blocks.find(id, IndexBlocks::kEntries, 19, found));
  CHECK_EQ(found.behind.bytes, 7000u);
  CHECK_EQ(found.behind.offsets, 7u);
  CHECK(blocks.find(id, IndexBlocks::kEntries, 20, found));
  CHECK_EQ(found.behind.bytes, 0u);
}

// One set: what is used stays, what a place was taken from is forgotten.
void forgets() {
  IndexBlocks blocks(4);
  const std::uint64_t content = IndexBlocks::new_content();
  IndexBlocks::Found found;
  const Bytes bytes = entries(0, 2);
  for (std::uint64_t number = 0; number < 4; number++) {
    blocks.keep({content, number}, bytes.data(), 2);
    blocks.learn({content, number}, 1, {1, 100});
  }
  CHECK(blocks.find({content, 0}, 2, 5, found));
  for (std::uint64_t number = 4; number < 7; number++) blocks.keep({content, number}, bytes.data(), 2);
  CHECK(blocks.find({content, 0}, 2, 5, found));
  for (std::uint64_t number = 1; number < 4; number++) CHECK(!blocks.find({content, number}, 2, 5, found));
  for (std::uint64_t number = 4; number < 7; number++) {
    CHECK(blocks.find({content, number}, 2, 5, found));
    CHECK_EQ(found.behind.bytes, 0u);
  }
}

void races() {
  IndexBlocks blocks(16);
  const std::uint64_t content = IndexBlocks::new_content();
  std::vector<std::thread> threads;
  for (std::uint64_t offset = 0; offset < 3; offset++) {
    threads.emplace_back([&, offset] {
      for (std::uint64_t round = 0; round < 20000; round++) {
        const std::uint64_t i = (offset + round * 7) % 64;
        const IndexBlocks::Id id{content, i};
        const auto first = static_cast<std::int32_t>(i * 1000);
        IndexBlocks::Found found;
        if (blocks.find(id, 4, first + 15, found)) {
          CHECK(found.entry.key == first + 10 && found.next.key == first + 20 && found.count == 2);
          CHECK(found.behind.bytes == 0 || found.behind.bytes == i + 1);
          blocks.learn(id, 2, {1, static_cast<std::uint32_t>(i + 1)});
        } else {
          blocks.keep(id, entries(first, 4).data(), 4);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  finds();
  learns_and_grows();
  forgets();
  races();
}
