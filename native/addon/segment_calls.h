// The storage calls of NativeRuntime: strand*, segment*, checkBatches and restampCrc (see src/native/binding.ts).
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "../disk_queue.h"
#include "../event_channel.h"
#include "../file_region.h"
#include "../frame_pool.h"
#include "../segment.h"

namespace sluice {

// Everything here runs on the JavaScript thread of the environment that made it. `events` and `queue` must outlive close() and the queue's stop().
// Order of an end: close(), DiskQueue::stop() (jobs still complete through `events`), then this object, the queue and the channel may go.
class SegmentCalls {
 public:
  // Of a read of so many bytes that a connection waits for.
  using UrgencyOf = std::function<Urgency(std::uint64_t connection, std::uint64_t bytes)>;

  // `open_segments`: so many have their files open at a time, as far as they can be closed.
  SegmentCalls(EventChannel& events, std::shared_ptr<FramePool> frames, DiskQueue& queue, std::size_t open_segments, UrgencyOf urgency_of);
  ~SegmentCalls();  // closes
  SegmentCalls(const SegmentCalls&) = delete;
  SegmentCalls& operator=(const SegmentCalls&) = delete;

  // Sets the functions on `target`. They may outlive this object: after close() each throws an Error.
  void define(Napi::Env env, Napi::Object target);

  // A pinned range of an opened segment, for ioSend. Empty: the handle is stale, the segment was never opened, or the range passes its end.
  std::optional<FileRegion> region(double segment, double position, double length);

  // Empty: the handle is stale.
  std::shared_ptr<Segment> find(std::uint64_t segment) const;

  // Every later call throws; segments and strands are forgotten, their queued jobs still run. Idempotent.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sluice
