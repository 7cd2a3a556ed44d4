// Whole reads and writes at a position: interrupted and partial calls are continued. All results below 0 are -errno.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace sluice {

// Opens a file by its name in `folder` (AT_FDCWD: a path). What is none, such as a FIFO, whose opening would wait for somebody else, is -ENOTSUP.
int open_file(int folder, const char* name, int flags, unsigned mode = 0);

// May a read wait for the disk, or must it fail with -EAGAIN when a page is not in memory?
enum class Wait { Yes, No };

// Bytes read: fewer than `length` only at the end of the file. With Wait::No also fewer where residency ends.
std::int64_t read_at(int fd, void* into, std::size_t length, std::uint64_t position, Wait wait);

// 0 when everything is written. `parts` is used up. After a failure any part of it may be in the file.
int write_at(int fd, struct iovec* parts, std::size_t count, std::uint64_t position);
int write_at(int fd, const void* data, std::size_t length, std::uint64_t position);

int truncate_file(int fd, std::uint64_t size);
// Reserves blocks for the first `size` bytes; what the file holds and its length stay as they are.
int reserve_file(int fd, std::uint64_t size);
// Gives back what is reserved behind `size`, which is the file's length.
int trim_file(int fd, std::uint64_t size);
int sync_file(int fd);

}  // namespace sluice
