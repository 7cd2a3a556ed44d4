// The byte stream below a connection. Plain TCP now; an encrypted one has the same face and lives on the same I/O thread.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>

namespace sluice {

// Calls never block. Results: > 0 bytes moved; 0 end of stream (read only); < 0 -errno (-EAGAIN: try again when the socket is ready).
// One thread reads and one thread writes at a time; they may be two.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual int fd() const = 0;
  virtual ssize_t read(const iovec* parts, int count) = 0;
  // `more`: further bytes follow at once, a partial packet may wait for them.
  virtual ssize_t write(const iovec* parts, int count, bool more) = 0;
  // The socket that file pages may be moved to without passing through user memory; -1: they must go through write().
  virtual int direct_fd() const = 0;
  // For bytes that go by direct_fd(): partial packets wait until release(), or a write() without `more`.
  virtual void hold() = 0;
  virtual void release() = 0;
  // No further byte will be written; the peer sees the end after what was.
  virtual void shutdown_write() = 0;
  // Ends both directions at once. The descriptor stays ours until destruction, so its number cannot become somebody else's.
  virtual void shutdown_both() = 0;
};

// Owns the socket.
std::unique_ptr<Transport> plain_transport(int fd);
// Owns a duplicate of somebody's socket, who alone ends it: both shutdowns do nothing.
std::unique_ptr<Transport> lent_transport(int fd);

}  // namespace sluice
