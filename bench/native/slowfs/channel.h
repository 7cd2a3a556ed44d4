// The conversation with the kernel over /dev/fuse: mounting, taking requests, answering them. Needs CAP_SYS_ADMIN; no fusermount, no libfuse.
#pragma once

#include <linux/fuse.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace slowfs {

inline constexpr std::size_t kMaxWrite = 1024 * 1024;
inline constexpr std::size_t kRequestBytes = kMaxWrite + 64 * 1024;

class Channel {
 public:
  // Mounts on the folder. Throws std::system_error.
  explicit Channel(const std::string& mountpoint);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Bytes of the next request in `into` (kRequestBytes long); 0: unmounted. Any thread.
  std::size_t next(std::uint8_t* into) const;

  // --- any thread
  void reply_error(std::uint64_t unique, int error) const;
  void reply(std::uint64_t unique, std::initializer_list<iovec> parts) const;
  template <typename Body>
  void reply_with(std::uint64_t unique, const Body& body) const {
    reply(unique, {{const_cast<Body*>(&body), sizeof body}});
  }
  // Drops what the page cache has of a node, after writing back what is dirty. Not from a thread that answers requests: it waits for answers.
  void invalidate(std::uint64_t node) const;

  // Ends next() everywhere; files that are open stay usable until they are closed only when `lazy`. True when it is unmounted.
  bool unmount(bool lazy);

 private:
  const std::string mountpoint_;
  const int fd_;
  bool mounted_ = false;
};

}  // namespace slowfs
