// What the ids of frames stand for. The lock of whoever keeps the table guards all of it.
//
// An id: generation above, slot below. 2^24 frames at once; an id is not reused before 2^28 frames went through its slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace sluice {

struct Slab;

// Whom to tell when the last reference of a frame has gone. Called on the releasing thread, outside all locks of the pool.
class FrameOwner {
 public:
  virtual ~FrameOwner() = default;
  virtual void frame_released(std::size_t bytes) noexcept = 0;
};

struct FrameSlot {
  Slab* slab = nullptr;          // null: lent
  std::uint8_t* data = nullptr;  // of the frame
  std::uint32_t generation = 1;
  std::uint32_t references = 0;
  std::size_t length = 0;
  std::shared_ptr<FrameOwner> owner;
};

class FrameTable {
 public:
  // With one reference. Returns its id.
  std::uint64_t add(Slab* slab, std::uint8_t* data, std::size_t length, std::shared_ptr<FrameOwner> owner) {
    std::uint32_t index;
    if (free_.empty()) {
      if (slots_.size() == kSlots) throw std::bad_alloc();
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    FrameSlot& slot = slots_[index];
    slot.slab = slab;
    slot.data = data;
    slot.length = length;
    slot.references = 1;
    slot.owner = std::move(owner);
    return (std::uint64_t{slot.generation} << kSlotBits) | index;
  }

  // nullptr: no frame has this id (any more). Valid until the next call of add.
  FrameSlot* find(std::uint64_t id) {
    const std::uint64_t index = id & (kSlots - 1);
    if (index >= slots_.size()) return nullptr;
    FrameSlot& slot = slots_[index];
    return slot.references > 0 && slot.generation == id >> kSlotBits ? &slot : nullptr;
  }

  // The frame of this id has no reference and no owner any more: its slot may be used anew, with another id.
  void remove(std::uint64_t id, FrameSlot& slot) {
    slot.slab = nullptr;
    slot.generation = slot.generation + 1 == kGenerations ? 1 : slot.generation + 1;
    free_.push_back(static_cast<std::uint32_t>(id & (kSlots - 1)));
  }

 private:
  static constexpr std::uint64_t kSlotBits = 24;
  static constexpr std::uint64_t kSlots = std::uint64_t{1} << kSlotBits;
  static constexpr std::uint32_t kGenerations = 1u << 28;

  std::vector<FrameSlot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace sluice
