#include "file_io.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sluice {

std::int64_t read_at(int fd, void* into, std::size_t length, std::uint64_t position, Wait wait) {
  auto* bytes = static_cast<std::uint8_t*>(into);
  std::size_t done = 0;
  while (done < length) {
    struct iovec part = {bytes + done, length - done};
    const ssize_t got = preadv2(fd, &part, 1, static_cast<off_t>(position + done), wait == Wait::No ? RWF_NOWAIT : 0);
    if (got > 0) {
      done += static_cast<std::size_t>(got);
      if (wait == Wait::No) break;  // what follows is not resident, or the file ends: the caller tells by what it needs
    } else if (got == 0) {
      break;
    } else if (errno != EINTR) {
      // A file system that cannot promise not to wait (EOPNOTSUPP) is treated as one whose pages are never resident.
      return wait == Wait::No && errno == EOPNOTSUPP ? -EAGAIN : -errno;
    }
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

int sync_file(int fd) { return fdatasync(fd) == 0 ? 0 : -errno; }

}  // namespace sluice
