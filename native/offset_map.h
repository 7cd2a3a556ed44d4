// The newest offset of each key, for compaction: bounded memory, no key kept. As Kafka's SkimpyOffsetMap, a key is known by a hash of 128 bits.
//
// A hash that two keys share would make compaction drop the record of one of them. So it is SipHash with a key of this map's own, drawn from the
// system: keys that collide by design, which are known for MD5, can't be made without knowing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sluice {

struct KeyHash {
  std::uint64_t high;
  std::uint64_t low;
};

// SipHash-2-4 with 128 bits of result.
KeyHash sip_hash(std::uint64_t key0, std::uint64_t key1, const std::uint8_t* bytes, std::size_t length);

class OffsetMap {
 public:
  static constexpr std::size_t kSlotBytes = 24;

  // Holds at most `most_keys` keys in `slots` slots, of which at least one stays free. Throws std::bad_alloc. Memory is taken as it is touched.
  OffsetMap(std::size_t slots, std::size_t most_keys);

  std::size_t size() const { return size_; }

  // False: the map is full and the key is not in it. The larger offset of a key counts.
  bool put(const std::uint8_t* key, std::size_t length, std::int64_t offset);
  // -1: unknown.
  std::int64_t get(const std::uint8_t* key, std::size_t length) const;

 private:
  struct Slot {
    std::uint64_t high;
    std::uint64_t low;
    std::int64_t next;  // offset + 1; 0: free
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };

  Slot& slot_of(const KeyHash& hash) const;

  const std::size_t slots_;
  const std::size_t most_keys_;
  std::uint64_t key_[2];
  std::unique_ptr<Slot[], Free> table_;
  std::size_t size_ = 0;
};

}  // namespace sluice
