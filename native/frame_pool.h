// Memory for request frames and for bytes on their way from JavaScript or a file: slabs, cut into reference-counted frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace sluice {

class FramePool;

// One reference to a frame. Movable, not copyable: a second reference is asked for by name.
class FrameRef {
 public:
  FrameRef() = default;
  FrameRef(FrameRef&& other) noexcept : pool_(std::move(other.pool_)), id_(std::exchange(other.id_, 0)), data_(other.data_), size_(other.size_) {}
  FrameRef& operator=(FrameRef&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = std::move(other.pool_);
      id_ = std::exchange(other.id_, 0);
      data_ = other.data_;
      size_ = other.size_;
    }
    return *this;
  }
  ~FrameRef() { reset(); }

  explicit operator bool() const { return id_ != 0; }
  std::uint64_t id() const { return id_; }  // what JavaScript sees; below 2^53
  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

  FrameRef share() const;          // one more reference
  std::uint64_t detach() noexcept; // gives the reference away to JavaScript: it must come back through FramePool::release(id)
  void reset() noexcept;           // drops the reference

 private:
  friend class FramePool;
  FrameRef(std::shared_ptr<FramePool> pool, std::uint64_t id, std::uint8_t* data, std::size_t size)
      : pool_(std::move(pool)), id_(id), data_(data), size_(size) {}
  std::shared_ptr<FramePool> pool_;
  std::uint64_t id_ = 0;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Thread-safe.
class FramePool : public std::enable_shared_from_this<FramePool> {
 public:
  static std::shared_ptr<FramePool> create(std::size_t memory_bytes);
  virtual ~FramePool() = default;

  // A frame outside the memory bound (for bytes that JavaScript gives, or that are read from a file). Empty when the system has no memory.
  virtual FrameRef allocate(std::size_t bytes) = 0;
  // A reference to a live frame by its id; empty when the id is stale.
  virtual FrameRef find(std::uint64_t id) = 0;
  // Drops one reference by id. False when the id is stale.
  virtual bool release(std::uint64_t id) = 0;

 protected:
  FrameRef make(std::uint64_t id, std::uint8_t* data, std::size_t size);
};

}  // namespace sluice
