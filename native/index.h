// The two sparse indexes of a segment, in Kafka's format (big-endian, no header, no checksum: rebuilt from the log when in doubt).
//
//   .index      8-byte entries:  last offset of a batch - base offset (i32) · file position of that batch's start (i32)
//   .timeindex 12-byte entries:  largest timestamp so far (i64) · its offset - base offset (i32)
//
// Not mapped into memory, on purpose. Entries are written with pwrite and read with preadv2: a mapped page that cannot be backed (disk full, I/O
// error, a file cut by somebody else) kills the process with SIGBUS, a mapping says nothing about what is resident, and 65,530 mappings
// (vm.max_map_count) are soon used up. The first entry of every 1 KiB stays in memory (1.6 % of the file), and the last one: a look-up is one
// binary search in memory and at most one resident 1 KiB read (about 0.5 us); at the tail, where most consumers are, and of a block that is among
// those that were used last (IndexBlocks), none. So the file never has more bytes than entries: nothing to trim, also after a crash.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "file_io.h"
#include "index_blocks.h"

namespace sluice {

enum class IndexKind { Offset, Time };

// The entries on both sides of a key.
struct IndexGap {
  IndexEntry before{-1, 0};
  IndexEntry behind{-1, 0};  // key -1: there is none
  IndexedBatch batch{};      // that `behind` points at, if it is known
  IndexBlocks::Id block{};   // with `before`, at `count`
  std::size_t count = 0;     // 0: in no block that is kept
};

// One writer at a time (the segment's write lock); look-ups from any thread. An entry is visible only after publish().
class Index {
 public:
  // Holds at most capacity_bytes, rounded down to whole entries. `blocks`: where what was read is kept; of an offset index only.
  Index(IndexKind kind, std::size_t capacity_bytes, std::shared_ptr<IndexBlocks> blocks = nullptr);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // Opens the file, or creates it when `create`. What it holds is read once and checked to rise; entries behind the first that does not are
  // not used, and the index is not sound(). Returns 0 or -errno (-ENOENT: there is none, the index stays empty). Does nothing when it is open.
  // `keep_linked`: what a symbolic link leads to is somebody else's and never written to. Before the first change the link gives way to a copy.
  int open(const std::string& path, bool create, bool keep_linked = false);
  // Also while its file is parked.
  bool is_open() const;
  // Closes the file to save descriptors; what is known of it stays. Nobody may use the index until open() was called again.
  void park();
  bool parked() const;
  bool sound() const;

  std::size_t entries() const;
  // Last entry; false when empty.
  bool last(IndexEntry& out) const;

  // The last entry whose key (or value) is at most `limit`: 1 found, 0 none, else -errno (-EAGAIN when it would have to wait).
  int find_key(std::int64_t limit, Wait wait, IndexEntry& out) const { return find(limit, false, wait, nullptr, nullptr, out); }
  // As find_key, with what lies behind.
  int find_gap(std::int64_t limit, Wait wait, IndexGap& out) const { return find(limit, false, wait, nullptr, &out, out.before); }
  // Keeps what was found out about the batch behind a gap.
  void learn(const IndexGap& gap, const IndexedBatch& batch) const;
  // As find_key, by value; `count` receives the number of entries up to and with it.
  int find_value(std::int64_t limit, std::size_t& count, IndexEntry& out) const { return find(limit, true, Wait::Yes, &count, nullptr, out); }

  // The entry behind `before` others: 1 found, 0 there is none, else -errno.
  int entry(std::size_t before, IndexEntry& out) const;

  std::size_t room() const;
  // Writes entries behind the published ones, without publishing them. Returns 0 or -errno.
  int write(const IndexEntry* entries, std::size_t count);
  // Makes them visible: as given to write().
  void publish(const IndexEntry* entries, std::size_t count);

  // Keeps the first `count` entries (at most entries()). From the start of the call look-ups see no other.
  int cut(std::size_t count);

  // Takes what was written and never published out of the file: a start would take it for entries. Returns 0 or -errno (the next write tries again).
  int trim();

  // Makes what is published durable, if it is not yet.
  int sync();

 private:
  int load(int fd, std::uint64_t size);
  int own(std::size_t count);
  int find(std::int64_t limit, bool by_value, Wait wait, std::size_t* count, IndexGap* gap, IndexEntry& out) const;
  IndexEntry decode(const std::uint8_t* at) const;
  void encode(std::uint8_t* at, const IndexEntry& entry) const;
  bool rises(const IndexEntry& before, const IndexEntry& after) const;

  const IndexKind kind_;
  const std::size_t entry_bytes_;
  const std::size_t block_entries_;
  const std::size_t capacity_;
  const std::shared_ptr<IndexBlocks> blocks_;
  std::atomic<bool> dirty_{true};

  mutable std::mutex mutex_;  // never held during I/O
  int fd_ = -1;
  int linked_fd_ = -1;  // look-ups may still use it after the copy was made
  std::string link_{};  // the path, as long as fd_ is of somebody else's file
  bool parked_ = false;
  bool sound_ = true;
  bool ragged_ = false;  // the file may have bytes behind the last entry
  std::size_t count_ = 0;
  IndexEntry last_{};
  std::vector<IndexEntry> firsts_;  // of each block of block_entries_
  std::uint64_t content_ = IndexBlocks::new_content();
};

}  // namespace sluice
