// The compaction calls of NativeRuntime: clean* (see src/native/binding.ts).
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "../disk_queue.h"
#include "../event_channel.h"
#include "../frame_pool.h"
#include "../segment.h"

namespace sluice {

// Lifetimes and order of an end as of SegmentCalls, which finds the segments.
class CleanCalls {
 public:
  using FindSegment = std::function<std::shared_ptr<Segment>(std::uint64_t handle)>;

  CleanCalls(EventChannel& events, std::shared_ptr<FramePool> frames, DiskQueue& queue, FindSegment segments);
  ~CleanCalls();  // closes
  CleanCalls(const CleanCalls&) = delete;
  CleanCalls& operator=(const CleanCalls&) = delete;

  void define(Napi::Env env, Napi::Object target);
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sluice
