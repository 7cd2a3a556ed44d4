// What the page cache has of a file, and getting into it what it has not.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace sluice {

enum class Residency { Resident, Cold, Unknown };

// How surely a range must be told to be resident.
enum class Probe {
  Fast,   // takes a page for resident whose read has begun and not ended: only where no disk thread has read lately (ColdMarks)
  Exact,  // such a page is cold
};

// Whether all of the range can be read without waiting for the disk. Never waits.
Residency residency(int fd, std::uint64_t position, std::uint64_t length, Probe probe);

// Reads the range into the page cache, and lets the disk begin with up to `ahead` bytes behind it. Blocks until the range is there or cannot be read.
void warm(int fd, std::uint64_t position, std::uint64_t length, std::uint64_t ahead);

// The bytes that are in memory: > 0 bytes read, 0 the end, -EAGAIN when the first is not (or nobody can tell), other -errno.
ssize_t read_resident(int fd, std::uint8_t* into, std::size_t length, std::uint64_t position, Probe probe);

// pread that waits for the disk.
ssize_t read_waiting(int fd, std::uint8_t* into, std::size_t length, std::uint64_t position);

}  // namespace sluice
