// CRC-32C (Castagnoli, reflected 0x82f63b78), as RFC 3720 and Kafka's record batches use it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

enum class Crc32cImplementation { Portable, Sse42, Armv8 };

// Continues `seed` (the checksum of the bytes before; 0 at the start). Any alignment; chosen for this CPU at the first call. Thread-safe.
std::uint32_t crc32c(const void* data, std::size_t length, std::uint32_t seed = 0);

// The same by a given implementation, which this CPU must support: for tests and measurement.
std::uint32_t crc32c_by(Crc32cImplementation implementation, const void* data, std::size_t length, std::uint32_t seed = 0);
bool crc32c_supported(Crc32cImplementation implementation);

Crc32cImplementation crc32c_implementation();
const char* crc32c_name(Crc32cImplementation implementation);

}  // namespace sluice
