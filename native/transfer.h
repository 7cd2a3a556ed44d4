// How the bytes of a file region reach a socket: sendfile, splice, mmap + write, or read + write.
#pragma once

#include <cstdint>
#include <memory>

#include "io_options.h"
#include "transport.h"

namespace sluice {

// Scratch of one thread that sends: a buffer and a pipe. Made lazily. Not thread-safe.
class TransferContext {
 public:
  static constexpr std::size_t kBufferBytes = 256 * 1024;

  TransferContext() = default;
  ~TransferContext();
  TransferContext(const TransferContext&) = delete;
  TransferContext& operator=(const TransferContext&) = delete;

  std::uint8_t* buffer();

  // Moves up to `length` bytes of the file to the transport without blocking on the socket. Blocks on the disk when pages are missing: probe first.
  // > 0 bytes sent; 0 the file ends before `position`; -EAGAIN the socket is full; other -errno. `Auto` means sendfile. `mode` becomes the path that
  // was taken.
  ssize_t send(Transport& transport, TransferMode& mode, int fd, std::uint64_t position, std::size_t length, bool more);

 private:
  ssize_t by_sendfile(int socket, int fd, std::uint64_t position, std::size_t length);
  ssize_t by_splice(int socket, int fd, std::uint64_t position, std::size_t length, bool more);
  ssize_t by_mmap(Transport& transport, int fd, std::uint64_t position, std::size_t length, bool more);
  ssize_t by_copy(Transport& transport, int fd, std::uint64_t position, std::size_t length, bool more);
  void close_pipe();

  std::unique_ptr<std::uint8_t[]> buffer_;
  int pipe_[2] = {-1, -1};
  std::size_t pipe_bytes_ = 0;
};

}  // namespace sluice
