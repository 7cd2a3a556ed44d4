// Spreads numbers that lie close together over the slots of a table (Fibonacci hashing).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

constexpr std::uint64_t spread(std::uint64_t number) { return number * 0x9E3779B97F4A7C15; }

// Of `slots`, by the upper half: the lower bits of a product depend on those of the number alone.
constexpr std::size_t slot_of(std::uint64_t spread_number, std::size_t slots) { return static_cast<std::size_t>((spread_number >> 32) % slots); }

}  // namespace sluice
