// Generation-tagged numbers for objects that JavaScript names.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

namespace sluice {

// One thread. A handle is below 2^52, never 0, and tells its `kind` (0 or 1), so that one taken for another kind is stale. A slot's handles repeat after
// 2^29 uses of that slot, and free slots are used in turn.
template <typename T>
class Handles {
 public:
  explicit Handles(std::uint64_t kind) : kind_(kind) {}

  double add(std::shared_ptr<T> object) {
    std::uint64_t index;
    if (slots_.size() < kMinSlotsBeforeReuse || free_.empty()) {
      if (slots_.size() > kIndexMask) throw std::runtime_error("too many handles");
      index = slots_.size();
      slots_.push_back({});
    } else {
      index = free_.front();
      free_.pop_front();
    }
    slots_[index].object = std::move(object);
    return static_cast<double>(((slots_[index].generation << 1 | kind_) << kIndexBits) | index);
  }

  // Empty when stale.
  std::shared_ptr<T> find(std::uint64_t handle) const {
    const Slot* slot = slot_of(handle);
    return slot != nullptr ? slot->object : nullptr;
  }

  std::shared_ptr<T> take(std::uint64_t handle) {
    auto* slot = const_cast<Slot*>(slot_of(handle));
    if (slot == nullptr) return nullptr;
    slot->generation = slot->generation == kLastGeneration ? 1 : slot->generation + 1;
    free_.push_back(handle & kIndexMask);
    return std::move(slot->object);
  }

  void clear() {
    slots_.clear();
    free_.clear();
  }

 private:
  struct Slot {
    std::uint64_t generation = 1;
    std::shared_ptr<T> object;
  };
  static constexpr int kIndexBits = 22;
  static constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
  static constexpr std::uint64_t kLastGeneration = (std::uint64_t{1} << 29) - 1;
  static constexpr std::size_t kMinSlotsBeforeReuse = 64;

  const Slot* slot_of(std::uint64_t handle) const {
    const std::uint64_t index = handle & kIndexMask;
    if (index >= slots_.size()) return nullptr;
    const Slot& slot = slots_[index];
    return slot.object && handle >> kIndexBits == (slot.generation << 1 | kind_) ? &slot : nullptr;
  }

  const std::uint64_t kind_;
  std::vector<Slot> slots_;
  std::deque<std::uint64_t> free_;
};

}  // namespace sluice
