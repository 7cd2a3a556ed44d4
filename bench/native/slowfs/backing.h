// The files behind the mount: one node for each file that the kernel knows, held open by an O_PATH descriptor, so that renames need no bookkeeping.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace slowfs {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct Node {
  Descriptor path;
  dev_t device;
  ino_t inode;
  std::uint64_t lookups = 0;

  // Relative to the mounted folder, as it is named now.
  std::string name(const std::string& root) const;
  // Opens the file itself.
  Descriptor open(int flags) const;
};

// Thread-safe. Node 1 is the root and is never forgotten.
class NodeTable {
 public:
  // Throws std::system_error.
  explicit NodeTable(const std::string& root);

  // Null: stale.
  std::shared_ptr<Node> find(std::uint64_t id) const;
  // Looks a name up in a folder and counts the look-up; 0 or -errno.
  int look_up(const Node& folder, const char* name, std::uint64_t& id, struct stat& status);
  void forget(std::uint64_t id, std::uint64_t lookups);
  void each(const std::function<void(std::uint64_t id, const Node&)>& visit) const;
  const std::string& root() const { return root_; }

 private:
  mutable std::mutex mutex_;
  std::string root_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Node>> nodes_;
  std::map<std::pair<dev_t, ino_t>, std::uint64_t> by_inode_;
  std::uint64_t next_ = 2;
};

}  // namespace slowfs
