// Numbers as Kafka has them on the wire and on disk: big-endian, at any address.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace sluice {

template <typename T>
T swap_if_little(T value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  return static_cast<T>(__builtin_bswap64(value));
}

template <typename T>
T load_be(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return swap_if_little(value);
}

template <typename T>
void store_be(std::uint8_t* at, T value) {
  value = swap_if_little(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace sluice
