// What look-ups have read of offset indexes and found out about the batches that their entries point at, in a bounded part of memory: a look-up that
// finds both here makes no system call (0.2 us instead of 1 to 2 us: one read of the index, one of the batch's header).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice {

// Offset index: key = relative offset, value = position. Time index: key = timestamp, value = relative offset.
struct IndexEntry {
  std::int64_t key;
  std::int32_t value;
};

// Of a batch whose place an index entry tells: what its header adds.
struct IndexedBatch {
  std::uint32_t offsets = 0;  // last offset - base offset
  std::uint32_t bytes = 0;    // 0: not known
};

// Any thread. Full, it lets go of what was not used for longest (of those that share a set with what is new).
class IndexBlocks {
 public:
  // Entries of an offset index in a block.
  static constexpr std::size_t kEntries = 128;
  static constexpr std::size_t kEntryBytes = 8;

  // `content`: an index file between two cuts (new_content); what is known of it never changes. `number`: of the block in it.
  struct Id {
    std::uint64_t content = 0;
    std::uint64_t number = 0;
    bool operator==(const Id&) const = default;
  };
  struct Found {
    std::size_t count = 0;  // entries of the block up to and with `entry`
    IndexEntry entry{};
    IndexEntry next{-1, 0};  // key -1: the block has none behind it
    IndexedBatch behind{};   // the batch that the entry behind it points at
  };

  explicit IndexBlocks(std::size_t most_blocks) : sets_(most_blocks / kWays > 0 ? most_blocks / kWays : 1) {}

  static std::uint64_t new_content();

  // The last of the block's first `entries` whose key is at most `limit`; count 0: none is. False: the block is not here, or not as a whole.
  bool find(const Id& id, std::size_t entries, std::int64_t limit, Found& out);
  // `bytes`: that many entries, as they are in the file.
  void keep(const Id& id, const std::uint8_t* bytes, std::size_t entries);
  // About the batch that the entry behind the first `count` of the block points at.
  void learn(const Id& id, std::size_t count, const IndexedBatch& batch);

 private:
  static constexpr std::size_t kWays = 4;
  struct Block {
    Id id;
    std::size_t entries = 0;
    std::array<std::uint8_t, kEntries * kEntryBytes> bytes;
    std::array<IndexedBatch, kEntries> behind;
  };
  struct Set {
    std::mutex mutex;
    std::array<std::unique_ptr<Block>, kWays> blocks;  // the one that was used last in front
  };
  Set& set_of(const Id& id);
  static Block* take(Set& set, const Id& id);

  std::vector<Set> sets_;
};

}  // namespace sluice
