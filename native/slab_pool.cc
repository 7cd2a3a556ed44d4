#include "slab_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace sluice {

namespace {

// Pages that idle slabs may keep: fresh memory costs a page fault every 4 KiB, which is more than the copy into it.
constexpr std::size_t kRetainedBytes = 16 * 1024 * 1024;
// Mappings without pages that a class keeps; they cost address space only.
constexpr std::size_t kIdleMappedBytes = 64 * 1024 * 1024;
constexpr std::size_t kIdleMappings = 4;

std::uint8_t* map_memory(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // A huge page would charge 2 MiB of real memory to the first byte that arrives.
  if (bytes >= 2 * 1024 * 1024) madvise(memory, bytes, MADV_NOHUGEPAGE);
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

struct Slab {
  std::uint32_t id = 0;
  unsigned size_class = 0;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  std::size_t used = 0;        // bytes cut off so far
  std::size_t touched = 0;     // bytes from the start that may have pages
  std::size_t charged = 0;
  std::uint32_t references = 0;  // frames, spaces, and the writer
  bool written = false;        // a Writer holds it
  bool exposed = false;        // JavaScript has an ArrayBuffer over it
};

SlabPool::SlabPool(std::size_t memory_bytes)
    : limit_(memory_bytes), large_limit_(memory_bytes - std::min<std::size_t>(memory_bytes / 8, 16 * 1024 * 1024)) {}

SlabPool::~SlabPool() {
  for (Slab* slab : slabs_) {
    if (!slab) continue;
    munmap(slab->data, slab->size);
    delete slab;
  }
}

Slab* SlabPool::take_slab(std::size_t bytes) {
  const unsigned size_class =
      std::max<unsigned>(static_cast<unsigned>(std::bit_width(std::max<std::size_t>(bytes, 1) - 1)), kSmallestClass) - kSmallestClass;
  if (size_class >= kClasses) return nullptr;
  auto& idle = idle_[size_class];
  Slab* slab;
  if (!idle.empty()) {
    slab = idle.back();
    idle.pop_back();
    idle_resident_ -= slab->touched;
  } else {
    const std::size_t size = std::size_t{1} << (size_class + kSmallestClass);
    std::uint8_t* data = map_memory(size);
    if (!data) return nullptr;
    mapped_ += size;
    slab = new Slab;
    slab->data = data;
    slab->size = size;
    slab->size_class = size_class;
    if (free_slab_ids_.empty()) {
      slab->id = static_cast<std::uint32_t>(slabs_.size());
      slabs_.push_back(slab);
    } else {
      slab->id = free_slab_ids_.back();
      free_slab_ids_.pop_back();
      slabs_[slab->id] = slab;
    }
  }
  slab->used = 0;
  slab->references = 1;
  return slab;
}

Slab* SlabPool::writable(Writer& writer, std::size_t length) {
  if (writer.slab_ && writer.slab_->size - writer.slab_->used >= length) return writer.slab_;
  Slab* fresh = take_slab(kSmallSlab);
  if (!fresh) return nullptr;
  if (writer.slab_) {
    // Its frames are out: were they all released, the slab would have been rewound and had room.
    writer.slab_->written = false;
    writer.slab_->references--;
    assert(writer.slab_->references > 0);
  }
  fresh->written = true;
  writer.slab_ = fresh;
  return fresh;
}

void SlabPool::uncharge(Slab* slab, After& after) {
  if (slab->charged == 0) return;
  charged_.fetch_sub(slab->charged, std::memory_order_relaxed);
  slab->charged = 0;
  if (waiting_.load() && charged() < limit_ - limit_ / 32) after.room = waiting_.exchange(false);
}

void SlabPool::unreference(Slab* slab, After& after) {
  slab->references--;
  if (slab->references == 0) {
    recycle(slab, after);
  } else if (slab->references == 1 && slab->written) {
    uncharge(slab, after);
    slab->used = 0;
  }
}

void SlabPool::recycle(Slab* slab, After& after) {
  uncharge(slab, after);
  if (idle_resident_ + slab->touched > kRetainedBytes) after.trim = slab;  // parked when its pages are gone
  else park(slab, after);
}

void SlabPool::park(Slab* slab, After& after) {
  auto& idle = idle_[slab->size_class];
  if (idle.size() >= std::max(kIdleMappings, kIdleMappedBytes / slab->size)) {
    if (slab->exposed) {
      retired_.push_back(slab->id);
      retired_count_.store(retired_.size(), std::memory_order_relaxed);
    } else {
      slabs_[slab->id] = nullptr;
      free_slab_ids_.push_back(slab->id);
      mapped_ -= slab->size;
      after.unmap = slab;
    }
    return;
  }
  idle_resident_ += slab->touched;
  // Those with pages are taken first.
  if (slab->touched > 0) idle.push_back(slab);
  else idle.insert(idle.begin(), slab);
}

void SlabPool::finish_after(After& after) {
  if (after.trim) {
    madvise(after.trim->data, after.trim->touched, MADV_DONTNEED);
    after.trim->touched = 0;
    std::lock_guard lock(mutex_);
    park(after.trim, after);
  }
  if (after.unmap) {
    munmap(after.unmap->data, after.unmap->size);
    delete after.unmap;
  }
  if (after.room) {
    std::lock_guard lock(room_mutex_);
    if (room_) room_();
  }
}

FrameRef SlabPool::allocate(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  Slab* slab;
  std::size_t offset = 0;
  if (bytes <= kSmallFrame) {
    slab = writable(loose_, bytes);
    if (!slab) return {};
    offset = slab->used;
    slab->used += std::max<std::size_t>(bytes, 1);
    slab->references++;
  } else {
    slab = take_slab(bytes);
    if (!slab) return {};
    slab->used = bytes;
  }
  slab->touched = std::max(slab->touched, slab->used);
  const std::uint64_t id = frames_.add(slab, slab->data + offset, bytes, nullptr);
  return make(id, slab->data + offset, bytes);
}

FrameRef SlabPool::lend(std::uint8_t* data, std::size_t bytes, std::shared_ptr<FrameOwner> owner) {
  std::lock_guard lock(mutex_);
  return make(frames_.add(nullptr, data, bytes, std::move(owner)), data, bytes);
}

FrameRef SlabPool::find(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  FrameSlot* slot = frames_.find(id);
  if (!slot) return {};
  slot->references++;
  return make(id, slot->data, slot->length);
}

bool SlabPool::release(std::uint64_t id) {
  After after;
  std::shared_ptr<FrameOwner> owner;
  std::size_t length;
  {
    std::lock_guard lock(mutex_);
    FrameSlot* slot = frames_.find(id);
    if (!slot) return false;
    if (--slot->references > 0) return true;
    Slab* slab = slot->slab;
    length = slot->length;
    owner = std::move(slot->owner);
    frames_.remove(id, *slot);
    if (slab) unreference(slab, after);
  }
  finish_after(after);
  if (owner) owner->frame_released(length);
  return true;
}

std::optional<FrameView> SlabPool::view(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  FrameSlot* slot = frames_.find(id);
  if (!slot || !slot->slab) return std::nullopt;
  return FrameView{id, slot->slab->id, static_cast<std::size_t>(slot->data - slot->slab->data), slot->length};
}

std::optional<FrameView> SlabPool::add(Writer& writer, const std::uint8_t* bytes, std::size_t length, std::shared_ptr<FrameOwner> owner) {
  FrameView frame;
  std::uint8_t* to;
  const std::size_t cut = std::max(length, kSmallestCut);
  {
    std::lock_guard lock(mutex_);
    Slab* slab = writable(writer, cut);
    if (!slab) return std::nullopt;
    frame.offset = slab->used;
    frame.length = length;
    frame.slab = slab->id;
    slab->used += cut;
    slab->touched = std::max(slab->touched, slab->used);
    slab->charged += cut;
    slab->references++;
    to = slab->data + frame.offset;
    frame.id = frames_.add(slab, slab->data + frame.offset, length, std::move(owner));
  }
  charged_.fetch_add(cut, std::memory_order_relaxed);
  if (length > 0) std::memcpy(to, bytes, length);  // nobody else knows the frame yet
  return frame;
}

bool SlabPool::begin(Writer& writer, std::size_t length, Space& space) {
  std::lock_guard lock(mutex_);
  Slab* slab;
  if (length <= kSmallFrame) {
    const std::size_t cut = std::max(length, kSmallestCut);
    slab = writable(writer, cut);
    if (!slab) return false;
    space.offset_ = slab->used;
    space.capacity_ = length;
    slab->used += cut;
    slab->references++;
  } else {
    slab = take_slab(std::min(length, kFirstStep));
    if (!slab) return false;
    space.offset_ = 0;
    space.capacity_ = std::min(length, slab->size);
  }
  space.slab_ = slab;
  space.data_ = slab->data + space.offset_;
  space.got_ = 0;
  space.length_ = length;
  return true;
}

void SlabPool::arrived(Space& space, std::size_t bytes) {
  space.got_ += bytes;
  std::lock_guard lock(mutex_);
  space.slab_->charged += bytes;
  space.slab_->touched = std::max(space.slab_->touched, space.offset_ + space.got_);
  charged_.fetch_add(bytes, std::memory_order_relaxed);
}

bool SlabPool::grow(Space& space) {
  Slab* larger;
  {
    std::lock_guard lock(mutex_);
    larger = take_slab(space.length_);
  }
  if (!larger) return false;
  std::memcpy(larger->data, space.data_, space.got_);
  After after;
  {
    std::lock_guard lock(mutex_);
    std::swap(larger->charged, space.slab_->charged);
    larger->touched = std::max(larger->touched, space.got_);
    unreference(space.slab_, after);
  }
  finish_after(after);
  space.slab_ = larger;
  space.data_ = larger->data;
  space.capacity_ = space.length_;
  return true;
}

FrameView SlabPool::finish(Space& space, std::shared_ptr<FrameOwner> owner) {
  assert(space.missing() == 0);
  std::lock_guard lock(mutex_);
  Slab* slab = space.slab_;
  slab->used = std::max(slab->used, space.offset_ + space.length_);
  FrameView frame{frames_.add(slab, slab->data + space.offset_, space.length_, std::move(owner)), slab->id, space.offset_, space.length_};
  space = Space{};
  return frame;
}

void SlabPool::abandon(Space& space) {
  if (!space) return;
  After after;
  {
    std::lock_guard lock(mutex_);
    unreference(space.slab_, after);
  }
  space = Space{};
  finish_after(after);
}

void SlabPool::close_writer(Writer& writer) {
  if (!writer.slab_) return;
  After after;
  {
    std::lock_guard lock(mutex_);
    writer.slab_->written = false;
    unreference(writer.slab_, after);
  }
  writer.slab_ = nullptr;
  finish_after(after);
}

void SlabPool::on_room(std::function<void()> room) {
  std::lock_guard lock(room_mutex_);
  room_ = std::move(room);
}

std::optional<SlabPool::Memory> SlabPool::expose(std::uint32_t id) {
  std::lock_guard lock(mutex_);
  if (id >= slabs_.size() || !slabs_[id] || (slabs_[id]->references == 0 && !slabs_[id]->exposed)) return std::nullopt;
  slabs_[id]->exposed = true;
  return Memory{slabs_[id]->data, slabs_[id]->size};
}

void SlabPool::take_retired(std::vector<std::uint32_t>& slabs) {
  std::lock_guard lock(mutex_);
  slabs.swap(retired_);
  retired_.clear();
  retired_count_.store(0, std::memory_order_relaxed);
}

void SlabPool::discard(std::uint32_t id) {
  Slab* slab;
  {
    std::lock_guard lock(mutex_);
    slab = slabs_[id];
    slabs_[id] = nullptr;
    free_slab_ids_.push_back(id);
    mapped_ -= slab->size;
  }
  munmap(slab->data, slab->size);
  delete slab;
}

std::size_t SlabPool::mapped_bytes() {
  std::lock_guard lock(mutex_);
  return mapped_;
}

}  // namespace sluice
