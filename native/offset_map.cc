#include "offset_map.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <random>

namespace sluice {
namespace {

struct Sip {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
  std::uint64_t give() {
    for (int i = 0; i < 4; i++) round();
    return a ^ b ^ c ^ d;
  }
};

std::uint64_t load_le(const std::uint8_t* at, std::size_t bytes) {
  std::uint64_t word = 0;
  // An empty key may have no address at all, which memcpy must not be given.
  if (bytes != 0) std::memcpy(&word, at, bytes);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

KeyHash sip_hash(std::uint64_t key0, std::uint64_t key1, const std::uint8_t* bytes, std::size_t length) {
  Sip state{key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d ^ 0xee, key0 ^ 0x6c7967656e657261, key1 ^ 0x7465646279746573};
  const std::size_t whole = length & ~std::size_t{7};
  for (std::size_t at = 0; at < whole; at += 8) state.take(load_le(bytes + at, 8));
  state.take(static_cast<std::uint64_t>(length) << 56 | load_le(bytes + whole, length - whole));
  state.c ^= 0xee;
  const std::uint64_t first = state.give();
  state.b ^= 0xdd;
  return {first, state.give()};
}

OffsetMap::OffsetMap(std::size_t slots, std::size_t most_keys)
    : slots_(std::max<std::size_t>(slots, 2)), most_keys_(std::clamp<std::size_t>(most_keys, 1, slots_ - 1)) {
  if (getrandom(key_, sizeof key_, 0) != static_cast<ssize_t>(sizeof key_)) {
    std::random_device random;
    for (std::uint64_t& half : key_) half = static_cast<std::uint64_t>(random()) << 32 | random();
  }
  // Zeroed pages come from the system when they are touched.
  table_.reset(static_cast<Slot*>(std::calloc(slots_, sizeof(Slot))));
  if (!table_) throw std::bad_alloc();
}

// Linear probing: neighbours share a cache line, and at a load of 0.9 that is what counts.
OffsetMap::Slot& OffsetMap::slot_of(const KeyHash& hash) const {
  auto index = static_cast<std::size_t>((static_cast<unsigned __int128>(hash.high) * slots_) >> 64);
  for (;;) {
    Slot& slot = table_[index];
    if (slot.next == 0 || (slot.high == hash.high && slot.low == hash.low)) return slot;
    if (++index == slots_) index = 0;
  }
}

bool OffsetMap::put(const std::uint8_t* key, std::size_t length, std::int64_t offset) {
  const KeyHash hash = sip_hash(key_[0], key_[1], key, length);
  Slot& slot = slot_of(hash);
  if (slot.next == 0) {
    if (size_ >= most_keys_) return false;
    size_++;
    slot.high = hash.high;
    slot.low = hash.low;
  }
  slot.next = std::max(slot.next, offset + 1);
  return true;
}

std::int64_t OffsetMap::get(const std::uint8_t* key, std::size_t length) const { return slot_of(sip_hash(key_[0], key_[1], key, length)).next - 1; }

}  // namespace sluice
