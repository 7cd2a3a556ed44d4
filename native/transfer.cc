#include "transfer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "page_cache.h"

namespace sluice {

namespace {

constexpr std::size_t kPipeBytes = 1024 * 1024;

std::uint64_t system_page() {
  static const std::uint64_t page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return page;
}

}  // namespace

TransferContext::~TransferContext() { close_pipe(); }

std::uint8_t* TransferContext::buffer() {
  if (!buffer_) buffer_.reset(new std::uint8_t[kBufferBytes]);
  return buffer_.get();
}

void TransferContext::close_pipe() {
  if (pipe_[0] < 0) return;
  ::close(pipe_[0]);
  ::close(pipe_[1]);
  pipe_[0] = pipe_[1] = -1;
}

ssize_t TransferContext::send(Transport& transport, TransferMode& mode, int fd, std::uint64_t position, std::size_t length, bool more) {
  const int socket = transport.direct_fd();
  if (socket < 0) mode = TransferMode::ReadWrite;
  switch (mode) {
    case TransferMode::Splice:
      return by_splice(socket, fd, position, length, more);
    case TransferMode::Mmap:
      return by_mmap(transport, fd, position, length, more);
    case TransferMode::ReadWrite:
      return by_copy(transport, fd, position, length, more);
    default: {
      mode = TransferMode::Sendfile;
      if (more) transport.hold();
      const ssize_t sent = by_sendfile(socket, fd, position, length);
      if (!more && sent == static_cast<ssize_t>(length)) transport.release();
      if (sent != -EINVAL && sent != -ENOSYS) return sent;
      mode = TransferMode::ReadWrite;  // a file system without it
      return by_copy(transport, fd, position, length, more);
    }
  }
}

ssize_t TransferContext::by_sendfile(int socket, int fd, std::uint64_t position, std::size_t length) {
  off_t offset = static_cast<off_t>(position);
  ssize_t sent;
  do sent = ::sendfile(socket, fd, &offset, length);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t TransferContext::by_splice(int socket, int fd, std::uint64_t position, std::size_t length, bool more) {
  if (pipe_[0] < 0) {
    if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
    const int size = fcntl(pipe_[1], F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
    pipe_bytes_ = size > 0 ? static_cast<std::size_t>(size) : 65536;
  }
  loff_t offset = static_cast<loff_t>(position);
  ssize_t filled;
  do filled = ::splice(fd, &offset, pipe_[1], nullptr, std::min(length, pipe_bytes_), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (filled < 0 && errno == EINTR);
  if (filled <= 0) return filled < 0 ? -errno : 0;
  ssize_t sent = 0;
  int error = 0;
  while (sent < filled) {
    const bool last = static_cast<std::size_t>(filled) == length && !more;
    const ssize_t moved = ::splice(pipe_[0], nullptr, socket, nullptr, static_cast<std::size_t>(filled - sent),
                                   SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (last ? 0 : SPLICE_F_MORE));
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) {
      error = moved < 0 ? errno : EPIPE;
      break;
    }
    sent += moved;
  }
  // What the socket did not take must not reach the next connection: the pipe goes, the file still has the bytes.
  if (sent < filled) close_pipe();
  return sent > 0 ? sent : -error;
}

// The mapped bytes are only ever read by the kernel, inside sendmsg: a file that is cut meanwhile gives EFAULT, not SIGBUS.
ssize_t TransferContext::by_mmap(Transport& transport, int fd, std::uint64_t position, std::size_t length, bool more) {
  const std::uint64_t start = position / system_page() * system_page();
  const std::size_t skip = static_cast<std::size_t>(position - start);
  void* view = mmap(nullptr, skip + length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, static_cast<off_t>(start));
  if (view == MAP_FAILED) return -errno;
  const iovec part{static_cast<std::uint8_t*>(view) + skip, length};
  ssize_t sent = transport.write(&part, 1, more);
  if (sent == -EFAULT) sent = 0;
  munmap(view, skip + length);
  return sent;
}

ssize_t TransferContext::by_copy(Transport& transport, int fd, std::uint64_t position, std::size_t length, bool more) {
  std::size_t total = 0;
  while (total < length) {
    const std::size_t want = std::min(length - total, kBufferBytes);
    const ssize_t got = read_waiting(fd, buffer(), want, position + total);
    if (got <= 0) return total > 0 ? static_cast<ssize_t>(total) : got;
    const iovec part{buffer(), static_cast<std::size_t>(got)};
    const ssize_t sent = transport.write(&part, 1, more || total + static_cast<std::size_t>(got) < length);
    if (sent < 0) return total > 0 ? static_cast<ssize_t>(total) : sent;
    total += static_cast<std::size_t>(sent);
    if (sent < got) break;
  }
  return static_cast<ssize_t>(total);
}

}  // namespace sluice
