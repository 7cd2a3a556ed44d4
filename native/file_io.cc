#include "file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "page_cache.h"

namespace sluice {

int open_file(int folder, const char* name, int flags, unsigned mode) {
  const int fd = openat(folder, name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
  struct stat status;
  if (fd < 0) {
    const int error = errno;
    // Of a socket, or a FIFO that nobody reads; a file would have to be on a disk that is gone.
    const bool other = error == ENXIO && fstatat(folder, name, &status, 0) == 0 && !S_ISREG(status.st_mode);
    return other || error == EISDIR ? -ENOTSUP : -error;
  }
  const int error = fstat(fd, &status) != 0 ? errno : S_ISREG(status.st_mode) ? 0 : ENOTSUP;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

std::int64_t read_at(int fd, void* into, std::size_t length, std::uint64_t position, Wait wait) {
  auto* bytes = static_cast<std::uint8_t*>(into);
  // One try: what follows is not resident, or the file ends; the caller tells by what it needs.
  if (wait == Wait::No) return read_resident(fd, bytes, length, position, Probe::Exact);
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = read_waiting(fd, bytes + done, length - done, position + done);
    if (got < 0) return got;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<std::int64_t>(done);
}

int write_at(int fd, struct iovec* parts, std::size_t count, std::uint64_t position) {
  constexpr std::size_t kMaxParts = 1024;  // IOV_MAX on Linux
  while (count > 0) {
    const ssize_t put = pwritev(fd, parts, static_cast<int>(std::min(count, kMaxParts)), static_cast<off_t>(position));
    if (put < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    if (put == 0) return -EIO;
    position += static_cast<std::uint64_t>(put);
    auto left = static_cast<std::size_t>(put);
    while (count > 0 && left >= parts->iov_len) {
      left -= parts->iov_len;
      parts++;
      count--;
    }
    if (count > 0) {
      parts->iov_base = static_cast<std::uint8_t*>(parts->iov_base) + left;
      parts->iov_len -= left;
    }
  }
  return 0;
}

int write_at(int fd, const void* data, std::size_t length, std::uint64_t position) {
  struct iovec part = {const_cast<void*>(data), length};
  return write_at(fd, &part, length > 0 ? 1 : 0, position);
}

int truncate_file(int fd, std::uint64_t size) {
  while (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

int reserve_file(int fd, std::uint64_t size) {
  while (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

int trim_file(int fd, std::uint64_t size) {
  constexpr std::uint64_t kBlockUnit = 512;  // of st_blocks
  constexpr std::uint64_t kRounding = 1 << 20;  // more than the last block of a file and what a file system keeps about it
  struct stat status;
  if (fstat(fd, &status) != 0) return -errno;
  if (static_cast<std::uint64_t>(status.st_blocks) * kBlockUnit <= size + kRounding) return 0;
  return truncate_file(fd, size);
}

int sync_file(int fd) { return fdatasync(fd) == 0 ? 0 : -errno; }

}  // namespace sluice
