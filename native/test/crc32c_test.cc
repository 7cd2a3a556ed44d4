#include "../crc32c.h"

#include <chrono>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"

using namespace sluice;

namespace {

constexpr Crc32cImplementation kAll[] = {Crc32cImplementation::Portable, Crc32cImplementation::Sse42, Crc32cImplementation::Armv8};

// Vectors of RFC 3720, B.4, and the check value of the algorithm.
void known(Crc32cImplementation implementation) {
  std::uint8_t bytes[32];
  std::memset(bytes, 0, sizeof bytes);
  CHECK_EQ(crc32c_by(implementation, bytes, 32), 0x8a9136aau);
  std::memset(bytes, 0xff, sizeof bytes);
  CHECK_EQ(crc32c_by(implementation, bytes, 32), 0x62a8ab43u);
  for (std::uint8_t i = 0; i < 32; i++) bytes[i] = i;
  CHECK_EQ(crc32c_by(implementation, bytes, 32), 0x46dd794eu);
  CHECK_EQ(crc32c_by(implementation, "123456789", 9), 0xe3069283u);
  CHECK_EQ(crc32c_by(implementation, nullptr, 0), 0u);
}

std::uint32_t bit_by_bit(const std::uint8_t* data, std::size_t length) {
  std::uint32_t crc = ~0u;
  for (; length > 0; data++, length--) {
    crc ^= *data;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

// All lengths around the block sizes, all alignments, any split.
void agrees(Crc32cImplementation implementation) {
  std::mt19937_64 random(7);
  std::vector<std::uint8_t> bytes(40000);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  for (std::size_t length = 0; length < 1000; length++) {
    const std::size_t at = length % 9;
    CHECK_EQ(crc32c_by(implementation, bytes.data() + at, length), bit_by_bit(bytes.data() + at, length));
  }
  for (int i = 0; i < 200; i++) {
    const std::size_t at = random() % 16;
    const std::size_t length = random() % (bytes.size() - at);
    const std::size_t split = length > 0 ? random() % length : 0;
    const std::uint32_t whole = bit_by_bit(bytes.data() + at, length);
    CHECK_EQ(crc32c_by(implementation, bytes.data() + at, length), whole);
    const std::uint32_t head = crc32c_by(implementation, bytes.data() + at, split);
    CHECK_EQ(crc32c_by(implementation, bytes.data() + at + split, length - split, head), whole);
  }
}

// Printed, not judged: machines differ. On an EPYC (Zen 4, shared): see the comment in crc32c.cc.
void speed(Crc32cImplementation implementation) {
  std::vector<std::uint8_t> bytes(1 << 20, 42);
  for (const std::size_t length : {std::size_t{100}, std::size_t{1} << 10, std::size_t{16} << 10, std::size_t{1} << 20}) {
    const std::size_t rounds = (std::size_t{64} << 20) / length;
    std::uint32_t crc = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < rounds; i++) crc = crc32c_by(implementation, bytes.data(), length, crc);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%s %zu bytes: %.1f GB/s (%08x)\n", crc32c_name(implementation), length, static_cast<double>(rounds * length) / seconds / 1e9, crc);
  }
}

}  // namespace

int main(int argc, char**) {
  for (const Crc32cImplementation implementation : kAll) {
    if (!crc32c_supported(implementation)) continue;
    known(implementation);
    agrees(implementation);
    if (argc > 1) speed(implementation);
  }
  CHECK(crc32c_supported(crc32c_implementation()));
  CHECK_EQ(crc32c("123456789", 9), 0xe3069283u);
}
