#include "frame_pool.h"

#include "slab_pool.h"

namespace sluice {

FrameRef FrameRef::share() const { return id_ != 0 ? pool_->find(id_) : FrameRef(); }

std::uint64_t FrameRef::detach() noexcept {
  pool_.reset();
  data_ = nullptr;
  size_ = 0;
  return std::exchange(id_, 0);
}

void FrameRef::reset() noexcept {
  if (id_ == 0) return;
  const std::uint64_t id = std::exchange(id_, 0);
  data_ = nullptr;
  size_ = 0;
  const std::shared_ptr<FramePool> pool = std::move(pool_);
  pool->release(id);
}

FrameRef FramePool::make(std::uint64_t id, std::uint8_t* data, std::size_t size) { return FrameRef(shared_from_this(), id, data, size); }

std::shared_ptr<FramePool> FramePool::create(std::size_t memory_bytes) { return std::make_shared<SlabPool>(memory_bytes); }

}  // namespace sluice
