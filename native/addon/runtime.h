// NativeRuntime of src/native/binding.ts: one event channel, frame pool, disk queue and I/O server, and the JavaScript face of them.
//
// Everything here runs on the JavaScript thread that made it. Order of an end, by close() or by the end of the environment: I/O threads are joined, the
// storage calls refuse, the disk queue runs what it has and is joined, the channel closes, slab memory is detached, and the wake handle goes last.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "../disk_queue.h"
#include "../event_channel.h"
#include "../io_server.h"
#include "../slab_pool.h"
#include "clean_calls.h"
#include "folder_calls.h"
#include "lent_buffers.h"
#include "segment_calls.h"
#include "waker.h"

namespace sluice {

// Of one kind, that an option may ask for.
inline constexpr double kMaxThreads = 256;

class Runtime : public Napi::ObjectWrap<Runtime> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Runtime(const Napi::CallbackInfo& info);
  ~Runtime() override;

  EventChannel& events() { return *events_; }
  std::shared_ptr<FramePool> frames() { return pool_; }
  DiskQueue& disk() { return *disk_; }

 private:
  using Method = Napi::Value (Runtime::*)(const Napi::CallbackInfo&);
  // Refuses when closed, and turns C++ exceptions into JavaScript ones.
  template <Method method>
  Napi::Value call(const Napi::CallbackInfo& info);

  void open(const Napi::CallbackInfo& info);
  void shut_down(bool environment_ends);
  void give_back_slabs();
  IoServer& io();
  // Receives what has come to connections at home. False: it was answered there, JavaScript has nothing to do.
  bool turn();

  Napi::Value poll(const Napi::CallbackInfo& info);
  Napi::Value slab(const Napi::CallbackInfo& info);
  Napi::Value release_frame(const Napi::CallbackInfo& info);
  Napi::Value retain_frame(const Napi::CallbackInfo& info);
  Napi::Value frame_from(const Napi::CallbackInfo& info);
  Napi::Value frame_over(const Napi::CallbackInfo& info);
  Napi::Value frame_view(const Napi::CallbackInfo& info);
  Napi::Value io_start(const Napi::CallbackInfo& info);
  Napi::Value io_listen(const Napi::CallbackInfo& info);
  Napi::Value io_unlisten(const Napi::CallbackInfo& info);
  Napi::Value io_send(const Napi::CallbackInfo& info);
  Napi::Value io_standings(const Napi::CallbackInfo& info);
  Napi::Value io_stand(const Napi::CallbackInfo& info);
  Napi::Value io_lend(const Napi::CallbackInfo& info);
  Napi::Value io_close(const Napi::CallbackInfo& info);
  Napi::Value io_pause(const Napi::CallbackInfo& info);
  Napi::Value io_resume(const Napi::CallbackInfo& info);
  Napi::Value io_peer(const Napi::CallbackInfo& info);
  Napi::Value io_transfer(const Napi::CallbackInfo& info);
  Napi::Value io_limit(const Napi::CallbackInfo& info);
  Napi::Value io_limit_addresses(const Napi::CallbackInfo& info);
  Napi::Value io_threads(const Napi::CallbackInfo& info);
  Napi::Value io_counters(const Napi::CallbackInfo& info);
  Napi::Value io_stop(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Waker* waker_ = nullptr;
  std::unique_ptr<EventChannel> events_;
  std::shared_ptr<SlabPool> pool_;
  std::unique_ptr<DiskQueue> disk_;
  std::unique_ptr<SegmentCalls> segment_calls_;
  std::unique_ptr<CleanCalls> clean_calls_;
  std::unique_ptr<FolderCalls> folder_calls_;
  std::unique_ptr<IoServer> io_;
  std::vector<Napi::Reference<Napi::ArrayBuffer>> slabs_;  // by slab id
  std::vector<std::uint32_t> retired_;
  LentBuffers lent_;
  std::shared_ptr<StandingPlaces> standings_;
  bool turned_ = false;  // for the next poll()
  bool open_ = false;
};

}  // namespace sluice
