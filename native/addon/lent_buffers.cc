#include "lent_buffers.h"

#include <utility>

namespace sluice {

struct LentBuffers::Loan final : FrameOwner {
  Loan(std::shared_ptr<Returned> to, std::uint32_t at) : returned(std::move(to)), place(at) {}

  void frame_released(std::size_t) noexcept override {
    std::lock_guard lock(returned->mutex);
    returned->places.push_back(place);
    returned->any.store(true, std::memory_order_release);
  }

  const std::shared_ptr<Returned> returned;
  const std::uint32_t place;
};

FrameRef LentBuffers::lend(SlabPool& pool, Napi::Uint8Array bytes) {
  settle();
  if (free_.empty()) add_places();
  const std::uint32_t place = free_.back();
  FrameRef frame = pool.lend(bytes.Data(), bytes.ByteLength(), std::make_shared<Loan>(returned_, place));
  lent_[place] = Napi::Persistent(bytes);
  free_.pop_back();
  return frame;
}

void LentBuffers::add_places() {
  constexpr std::size_t kMore = 64;
  const std::size_t count = lent_.size();
  {
    std::lock_guard lock(returned_->mutex);
    returned_->places.reserve(count + kMore);
  }
  lent_.resize(count + kMore);
  for (std::size_t place = lent_.size(); place-- > count;) free_.push_back(static_cast<std::uint32_t>(place));
}

void LentBuffers::settle() {
  if (!returned_->any.load(std::memory_order_acquire)) return;
  {
    std::lock_guard lock(returned_->mutex);
    settling_.swap(returned_->places);
    returned_->places.reserve(lent_.size());
    returned_->any.store(false, std::memory_order_relaxed);
  }
  for (const std::uint32_t place : settling_) {
    lent_[place].Reset();
    free_.push_back(place);
  }
  settling_.clear();
}

void LentBuffers::end(bool environment_ends) {
  if (environment_ends)
    for (auto& buffer : lent_) buffer.SuppressDestruct();
  lent_.clear();
}

}  // namespace sluice
