// The calls of NativeRuntime on whole folders: surveyFolders, writeFiles and syncFileSystem (see src/native/binding.ts).
#pragma once

#include <napi.h>

#include <memory>

#include "../disk_queue.h"
#include "../event_channel.h"
#include "../frame_pool.h"

namespace sluice {

// As SegmentCalls: everything on the JavaScript thread; `events` and `queue` must outlive close() and the queue's stop().
class FolderCalls {
 public:
  FolderCalls(EventChannel& events, std::shared_ptr<FramePool> frames, DiskQueue& queue);
  ~FolderCalls();  // closes
  FolderCalls(const FolderCalls&) = delete;
  FolderCalls& operator=(const FolderCalls&) = delete;

  // Sets the functions on `target`. They may outlive this object: after close() each throws an Error.
  void define(Napi::Env env, Napi::Object target);

  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sluice
