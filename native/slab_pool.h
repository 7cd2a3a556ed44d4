// The frame pool that I/O threads receive into: slabs of mapped memory, cut into frames, charged as bytes arrive.
//
// A slab is private anonymous memory whose size is a power of two. Small frames are cut from a slab that one I/O thread fills (a Writer); a frame
// above kSmallFrame has a slab of its own. A slab goes back to its class when its last frame is released. A frame is handed out only when every byte
// of it has been written, so a reused slab never shows bytes of another client.
//
// Charge: bytes that arrived, per slab, until the slab is free again (a small frame that lives long keeps the whole charge of its slab: that is
// what it costs). Idle slabs keep their pages up to a bound; beyond it the pages go back to the kernel at once, the mapping when JavaScript has
// detached its ArrayBuffer (take_retired, discard).
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "frame_pool.h"
#include "frame_table.h"

namespace sluice {

struct FrameView {
  std::uint64_t id = 0;
  std::uint32_t slab = 0;
  std::size_t offset = 0;
  std::size_t length = 0;
};

class SlabPool final : public FramePool {
 public:
  static constexpr std::size_t kSmallFrame = 64 * 1024;
  static constexpr std::size_t kSmallSlab = 256 * 1024;
  // A tiny frame takes, and is charged, so much of its slab: about what its bookkeeping costs.
  static constexpr std::size_t kSmallestCut = 128;
  // A frame that claims more gets its full reservation only when so much of it has arrived: claims cost nothing.
  static constexpr std::size_t kFirstStep = 4 * 1024 * 1024;

  explicit SlabPool(std::size_t memory_bytes);
  ~SlabPool() override;

  FrameRef allocate(std::size_t bytes) override;
  // A frame over somebody else's memory, which stays as it is until the owner hears that the frame was released.
  FrameRef lend(std::uint8_t* data, std::size_t bytes, std::shared_ptr<FrameOwner> owner);
  FrameRef find(std::uint64_t id) override;
  bool release(std::uint64_t id) override;
  std::optional<FrameView> view(std::uint64_t id);

  // The slab that one thread cuts small frames from. Give it back with close_writer.
  class Writer {
    friend class SlabPool;
    Slab* slab_ = nullptr;
  };

  // Room for one frame that is still arriving. Owned by one connection, used by one thread; ends with finish or abandon.
  class Space {
   public:
    explicit operator bool() const { return slab_ != nullptr; }
    std::uint8_t* next() const { return data_ + got_; }
    std::size_t got() const { return got_; }
    std::size_t room() const { return capacity_ - got_; }  // until full or until grow() is due
    std::size_t missing() const { return length_ - got_; }

   private:
    friend class SlabPool;
    Slab* slab_ = nullptr;
    std::uint8_t* data_ = nullptr;
    std::size_t offset_ = 0;
    std::size_t capacity_ = 0;
    std::size_t got_ = 0;
    std::size_t length_ = 0;
  };

  // A whole small frame, copied. Empty when the system has no memory.
  std::optional<FrameView> add(Writer& writer, const std::uint8_t* bytes, std::size_t length, std::shared_ptr<FrameOwner> owner);
  bool begin(Writer& writer, std::size_t length, Space& space);
  // `bytes` more stand at next(). When room() is then 0 and missing() is not, grow() must follow; false: no memory.
  void arrived(Space& space, std::size_t bytes);
  bool grow(Space& space);
  FrameView finish(Space& space, std::shared_ptr<FrameOwner> owner);
  void abandon(Space& space);
  void close_writer(Writer& writer);

  std::size_t charged() const { return charged_.load(std::memory_order_relaxed); }
  // Whether reading must pause. Frames with a slab of their own stop earlier, so that they cannot starve small requests.
  bool full(bool large) const { return charged() >= (large ? large_limit_ : limit_); }
  // `room` is called (any thread, no lock held) when memory came back after a reader saw full() and called wait_for_room(). An empty function unsets it.
  void on_room(std::function<void()> room);
  void wait_for_room() { waiting_.store(true); }

  // JavaScript thread. The memory behind a slab id; from then on the mapping stays until discard().
  struct Memory {
    std::uint8_t* data;
    std::size_t size;
  };
  std::optional<Memory> expose(std::uint32_t slab);
  bool has_retired() const { return retired_count_.load(std::memory_order_relaxed) != 0; }
  void take_retired(std::vector<std::uint32_t>& slabs);
  void discard(std::uint32_t slab);

  // Bytes that are mapped, for tests.
  std::size_t mapped_bytes();

 private:
  static constexpr unsigned kSmallestClass = 17;  // 128 KiB
  static constexpr unsigned kClasses = 15;        // up to 2 GiB

  // What must be done after the lock is dropped.
  struct After {
    Slab* trim = nullptr;
    Slab* unmap = nullptr;
    bool room = false;
  };

  Slab* take_slab(std::size_t bytes);
  Slab* writable(Writer& writer, std::size_t length);
  void unreference(Slab* slab, After& after);
  void uncharge(Slab* slab, After& after);
  void recycle(Slab* slab, After& after);
  void park(Slab* slab, After& after);
  void finish_after(After& after);

  const std::size_t limit_;
  const std::size_t large_limit_;
  std::atomic<std::size_t> charged_{0};
  std::atomic<bool> waiting_{false};
  std::atomic<std::size_t> retired_count_{0};

  std::mutex mutex_;
  std::vector<Slab*> slabs_;  // by id; null: free id
  std::vector<std::uint32_t> free_slab_ids_;
  FrameTable frames_;
  std::array<std::vector<Slab*>, kClasses> idle_;
  std::size_t idle_resident_ = 0;
  std::size_t mapped_ = 0;
  std::vector<std::uint32_t> retired_;
  Writer loose_;  // for allocate()

  std::mutex room_mutex_;
  std::function<void()> room_;
};

}  // namespace sluice
