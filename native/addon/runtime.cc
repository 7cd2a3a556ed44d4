#include "runtime.h"

#include <cstring>

#include "arguments.h"

namespace sluice {
namespace {

void show(const std::optional<FrameView>& view, const Doubles& into) {
  if (!view) throw std::out_of_range("unknown frame");
  into.data[0] = view->slab;
  into.data[1] = static_cast<double>(view->offset);
  into.data[2] = static_cast<double>(view->length);
}

}  // namespace

template <Runtime::Method method>
Napi::Value Runtime::call(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    if (!open_) throw std::runtime_error("the runtime is closed");
    return (this->*method)(info);
  });
}

Napi::Function Runtime::define(Napi::Env env) {
  return DefineClass(env, "Runtime",
                     {
                         InstanceMethod<&Runtime::call<&Runtime::poll>>("poll"),
                         InstanceMethod<&Runtime::call<&Runtime::slab>>("slab"),
                         InstanceMethod<&Runtime::call<&Runtime::release_frame>>("releaseFrame"),
                         InstanceMethod<&Runtime::call<&Runtime::retain_frame>>("retainFrame"),
                         InstanceMethod<&Runtime::call<&Runtime::frame_from>>("frameFrom"),
                         InstanceMethod<&Runtime::call<&Runtime::frame_over>>("frameOver"),
                         InstanceMethod<&Runtime::call<&Runtime::frame_view>>("frameView"),
                         InstanceMethod<&Runtime::call<&Runtime::io_start>>("ioStart"),
                         InstanceMethod<&Runtime::call<&Runtime::io_listen>>("ioListen"),
                         InstanceMethod<&Runtime::call<&Runtime::io_unlisten>>("ioUnlisten"),
                         InstanceMethod<&Runtime::call<&Runtime::io_send>>("ioSend"),
                         InstanceMethod<&Runtime::call<&Runtime::io_standings>>("ioStandings"),
                         InstanceMethod<&Runtime::call<&Runtime::io_stand>>("ioStand"),
                         InstanceMethod<&Runtime::call<&Runtime::io_lend>>("ioLend"),
                         InstanceMethod<&Runtime::call<&Runtime::io_close>>("ioClose"),
                         InstanceMethod<&Runtime::call<&Runtime::io_pause>>("ioPause"),
                         InstanceMethod<&Runtime::call<&Runtime::io_resume>>("ioResume"),
                         InstanceMethod<&Runtime::call<&Runtime::io_peer>>("ioPeer"),
                         InstanceMethod<&Runtime::call<&Runtime::io_transfer>>("ioTransfer"),
                         InstanceMethod<&Runtime::call<&Runtime::io_limit>>("ioLimit"),
                         InstanceMethod<&Runtime::call<&Runtime::io_limit_addresses>>("ioLimitAddresses"),
                         InstanceMethod<&Runtime::call<&Runtime::io_threads>>("ioThreads"),
                         InstanceMethod<&Runtime::call<&Runtime::io_counters>>("ioCounters"),
                         InstanceMethod<&Runtime::call<&Runtime::io_stop>>("ioStop"),
                         InstanceMethod<&Runtime::close>("close"),
                     });
}

Runtime::Runtime(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Runtime>(info) {
  guarded(info, [&] {
    open(info);
    return info.Env().Undefined();
  });
}

// The object stays reachable while open, so this follows shut_down(), or an open() that failed.
Runtime::~Runtime() { shut_down(true); }

void Runtime::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = options_argument(info, 0);
  if (!info[1].IsFunction()) throw std::invalid_argument("wake must be a function");
  DiskQueueOptions disk;
  disk.append_threads = static_cast<unsigned>(option(options, "appendThreads", 1, kMaxThreads));
  disk.read_threads = static_cast<unsigned>(option(options, "readThreads", 1, kMaxThreads));
  disk.flush_threads = static_cast<unsigned>(option(options, "flushThreads", 1, kMaxThreads));
  disk.maintenance_threads = static_cast<unsigned>(option(options, "maintenanceThreads", 1, kMaxThreads));
  disk.recovery_threads = static_cast<unsigned>(option(options, "recoveryThreads", 1, kMaxThreads));
  disk.queue_limit = static_cast<std::size_t>(option(options, "laneQueueLimit", 1, 1e9));
  const auto memory = static_cast<std::size_t>(option(options, "frameMemoryBytes", 1, kMaxSafeInteger));
  const auto open_segments = static_cast<std::size_t>(option(options, "openSegments", 1, kMaxSafeInteger));

  waker_ = Waker::open(env, info[1].As<Napi::Function>(), [this] { shut_down(true); });
  if (!waker_) throw std::runtime_error("no event loop");
  open_ = true;
  Ref();
  try {
    events_ = std::make_unique<EventChannel>([waker = waker_] { waker->wake(); });
    pool_ = std::make_shared<SlabPool>(memory);
    disk_ = DiskQueue::create(disk);
    const auto urgency_of = [this](std::uint64_t id, std::uint64_t bytes) {
      const std::shared_ptr<Connection> connection = io_ ? io_->find(id) : nullptr;
      return connection ? connection->urgency_of_read(bytes) : Urgency::Patient;
    };
    segment_calls_ = std::make_unique<SegmentCalls>(*events_, pool_, *disk_, open_segments, urgency_of);
    segment_calls_->define(env, Value());
    clean_calls_ = std::make_unique<CleanCalls>(*events_, pool_, *disk_, [calls = segment_calls_.get()](std::uint64_t handle) { return calls->find(handle); });
    clean_calls_->define(env, Value());
    folder_calls_ = std::make_unique<FolderCalls>(*events_, pool_, *disk_);
    folder_calls_->define(env, Value());
  } catch (...) {
    shut_down(false);
    throw;
  }
}

void Runtime::shut_down(bool environment_ends) {
  if (!open_) return;
  open_ = false;
  if (io_) {
    if (!io_->stopping()) io_->stop(0, [] {});
    io_->join();
  }
  if (clean_calls_) clean_calls_->close();
  if (segment_calls_) segment_calls_->close();
  if (folder_calls_) folder_calls_->close();
  if (disk_) disk_->stop();
  if (events_) events_->close();
  // Cold reads of the disk queue may name it no longer.
  io_.reset();
  clean_calls_.reset();
  segment_calls_.reset();
  folder_calls_.reset();
  lent_.end(environment_ends);
  if (!environment_ends) {
    for (auto& slab : slabs_)
      if (!slab.IsEmpty()) slab.Value().Detach();
    slabs_.clear();
    Unref();
  } else {
    // Node detaches external memory itself when an environment ends; the references go with it.
    for (auto& slab : slabs_) slab.SuppressDestruct();
    slabs_.clear();
  }
  disk_.reset();
  pool_.reset();
  waker_->close();
  waker_ = nullptr;
}

void Runtime::give_back_slabs() {
  Napi::HandleScope scope(Env());
  pool_->take_retired(retired_);
  for (const std::uint32_t id : retired_) {
    if (id < slabs_.size() && !slabs_[id].IsEmpty()) {
      slabs_[id].Value().Detach();
      slabs_[id].Reset();
    }
    pool_->discard(id);
  }
  retired_.clear();
}

Napi::Value Runtime::poll(const Napi::CallbackInfo& info) {
  const Doubles into = doubles_argument(info, 0, std::tuple_size_v<EventRow>);
  if (pool_->has_retired()) give_back_slabs();
  lent_.settle();
  if (io_ && !std::exchange(turned_, false)) waker_->remind(io_->turn());
  const std::size_t rows = events_->poll(into.data, into.length / std::tuple_size_v<EventRow>);
  return Napi::Number::New(info.Env(), static_cast<double>(rows));
}

Napi::Value Runtime::slab(const Napi::CallbackInfo& info) {
  const auto id = static_cast<std::uint32_t>(integer_argument(info, 0, 0, 4294967295.0));
  if (id < slabs_.size() && !slabs_[id].IsEmpty()) return slabs_[id].Value();
  const std::optional<SlabPool::Memory> memory = pool_->expose(id);
  if (!memory) throw std::out_of_range("unknown slab");
  napi_value buffer;
  if (napi_create_external_arraybuffer(info.Env(), memory->data, memory->size, nullptr, nullptr, &buffer) != napi_ok)
    throw std::runtime_error("external memory is refused");
  if (id >= slabs_.size()) slabs_.resize(id + 1);
  slabs_[id] = Napi::Persistent(Napi::ArrayBuffer(info.Env(), buffer));
  return slabs_[id].Value();
}

Napi::Value Runtime::release_frame(const Napi::CallbackInfo& info) {
  if (!pool_->release(handle_argument(info, 0))) throw std::out_of_range("unknown frame");
  return info.Env().Undefined();
}

Napi::Value Runtime::retain_frame(const Napi::CallbackInfo& info) {
  FrameRef frame = pool_->find(handle_argument(info, 0));
  if (!frame) throw std::out_of_range("unknown frame");
  frame.detach();
  return info.Env().Undefined();
}

Napi::Value Runtime::frame_from(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytes_argument(info, 0);
  const Doubles into = doubles_argument(info, 1, 3);
  FrameRef frame = pool_->allocate(bytes.length);
  if (!frame) throw std::runtime_error("out of memory");
  if (bytes.length > 0) std::memcpy(frame.data(), bytes.data, bytes.length);
  show(pool_->view(frame.id()), into);
  return Napi::Number::New(info.Env(), static_cast<double>(frame.detach()));
}

Napi::Value Runtime::frame_over(const Napi::CallbackInfo& info) {
  (void)bytes_argument(info, 0);
  FrameRef frame = lent_.lend(*pool_, info[0].As<Napi::Uint8Array>());
  return Napi::Number::New(info.Env(), static_cast<double>(frame.detach()));
}

Napi::Value Runtime::frame_view(const Napi::CallbackInfo& info) {
  show(pool_->view(handle_argument(info, 0)), doubles_argument(info, 1, 3));
  return info.Env().Undefined();
}

Napi::Value Runtime::close(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    shut_down(false);
    return info.Env().Undefined();
  });
}

}  // namespace sluice
