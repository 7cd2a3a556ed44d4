#include "index_blocks.h"

#include <algorithm>
#include <cstring>

#include "big_endian.h"
#include "spread.h"

namespace sluice {
namespace {

IndexEntry entry_at(const std::uint8_t* bytes, std::size_t index) {
  const std::uint8_t* at = bytes + index * IndexBlocks::kEntryBytes;
  return {load_be<std::int32_t>(at), load_be<std::int32_t>(at + 4)};
}

}  // namespace

std::uint64_t IndexBlocks::new_content() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

IndexBlocks::Set& IndexBlocks::set_of(const Id& id) {
  return sets_[slot_of(spread(spread(id.content) + id.number), sets_.size())];
}

IndexBlocks::Block* IndexBlocks::take(Set& set, const Id& id) {
  for (std::size_t way = 0; way < kWays && set.blocks[way]; way++) {
    if (set.blocks[way]->id != id) continue;
    std::rotate(set.blocks.begin(), set.blocks.begin() + way, set.blocks.begin() + way + 1);
    return set.blocks.front().get();
  }
  return nullptr;
}

bool IndexBlocks::find(const Id& id, std::size_t entries, std::int64_t limit, Found& out) {
  Set& set = set_of(id);
  std::lock_guard lock(set.mutex);
  const Block* const block = take(set, id);
  if (block == nullptr || block->entries < entries) return false;
  std::size_t low = 0;
  std::size_t high = entries;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (entry_at(block->bytes.data(), middle).key <= limit) low = middle + 1;
    else high = middle;
  }
  out.count = low;
  if (low == 0) return true;
  out.entry = entry_at(block->bytes.data(), low - 1);
  out.next = low < entries ? entry_at(block->bytes.data(), low) : IndexEntry{-1, 0};
  out.behind = block->behind[low - 1];
  return true;
}

void IndexBlocks::keep(const Id& id, const std::uint8_t* bytes, std::size_t entries) {
  Set& set = set_of(id);
  std::lock_guard lock(set.mutex);
  if (Block* const known = take(set, id); known != nullptr) {
    // It has grown.
    if (known->entries >= entries) return;
    std::memcpy(known->bytes.data(), bytes, entries * kEntryBytes);
    known->entries = entries;
    return;
  }
  std::rotate(set.blocks.begin(), set.blocks.end() - 1, set.blocks.end());
  std::unique_ptr<Block>& block = set.blocks.front();
  if (!block) block = std::make_unique<Block>();
  block->id = id;
  block->entries = entries;
  std::memcpy(block->bytes.data(), bytes, entries * kEntryBytes);
  block->behind.fill({});
}

void IndexBlocks::learn(const Id& id, std::size_t count, const IndexedBatch& batch) {
  Set& set = set_of(id);
  std::lock_guard lock(set.mutex);
  if (Block* const block = take(set, id); block != nullptr && count > 0 && count <= kEntries) block->behind[count - 1] = batch;
}

}  // namespace sluice
