#include "runtime.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "address_limits.h"
#include "arguments.h"

namespace sluice {

namespace {

// A number field of an options object, limited to [min, max].
std::int64_t option(const Napi::Object& options, const char* name, double min, double max) {
  const Napi::Value value = options.Get(name);
  if (value.IsEmpty()) throw PendingException{};
  if (!value.IsNumber()) throw std::invalid_argument(std::string("option ") + name + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::isnan(number)) throw std::invalid_argument(std::string("option ") + name + " must be a number");
  return static_cast<std::int64_t>(std::clamp(number, min, max));
}

Napi::Object options_argument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsObject()) throw std::invalid_argument("options must be an object");
  return info[index].As<Napi::Object>();
}

constexpr double kMaxThreads = 256;

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

IoServer& Runtime::io() {
  if (!io_) throw std::runtime_error("ioStart was not called");
  return *io_;
}

// ---------------------------------------------------------------- events and frames

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
  if (io_) waker_->remind(io_->turn());
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
  FrameRef frame = pool_->allocate(bytes.length);
  if (!frame) throw std::runtime_error("out of memory");
  if (bytes.length > 0) std::memcpy(frame.data(), bytes.data, bytes.length);
  return Napi::Number::New(info.Env(), static_cast<double>(frame.detach()));
}

Napi::Value Runtime::frame_over(const Napi::CallbackInfo& info) {
  (void)bytes_argument(info, 0);
  FrameRef frame = lent_.lend(*pool_, info[0].As<Napi::Uint8Array>());
  return Napi::Number::New(info.Env(), static_cast<double>(frame.detach()));
}

Napi::Value Runtime::frame_view(const Napi::CallbackInfo& info) {
  const Doubles into = doubles_argument(info, 1, 3);
  const std::optional<FrameView> view = pool_->view(handle_argument(info, 0));
  if (!view) throw std::out_of_range("unknown frame");
  into.data[0] = view->slab;
  into.data[1] = static_cast<double>(view->offset);
  into.data[2] = static_cast<double>(view->length);
  return info.Env().Undefined();
}

// ---------------------------------------------------------------- network

Napi::Value Runtime::io_start(const Napi::CallbackInfo& info) {
  if (io_) throw std::runtime_error("ioStart was called before");
  const Napi::Object options = options_argument(info, 0);
  const double big = kMaxSafeInteger;
  IoOptions io;
  io.threads = static_cast<unsigned>(option(options, "threads", 1, kMaxThreads));
  io.max_frame_bytes = option(options, "maxFrameBytes", 0, 2147483647.0);
  io.max_idle_ms = option(options, "maxIdleMs", -1, big);
  io.max_connections = option(options, "maxConnections", 0, big);
  io.max_connections_per_address = option(options, "maxConnectionsPerAddress", 0, big);
  io.send_buffer_bytes = static_cast<int>(option(options, "sendBufferBytes", -1, 2147483647.0));
  io.receive_buffer_bytes = static_cast<int>(option(options, "receiveBufferBytes", -1, 2147483647.0));
  io.max_unreleased_frames = option(options, "maxUnreleasedFrames", 1, big);
  io.max_unreleased_bytes = option(options, "maxUnreleasedBytes", 1, big);
  io.max_unsent_bytes = option(options, "maxUnsentBytes", 1, big);
  io.home = options.Get("inlineReceive").ToBoolean();
  auto server = std::make_unique<IoServer>(io, *events_, pool_, *disk_);
  if (io.home && !waker_->watch(server->home_fd())) throw std::runtime_error("the event loop cannot watch sockets");
  io_ = std::move(server);
  return info.Env().Undefined();
}

Napi::Value Runtime::io_listen(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string host = string_argument(info, 0);
  const auto port = static_cast<std::uint16_t>(integer_argument(info, 1, 0, 65535));
  const int backlog = static_cast<int>(integer_argument(info, 2, 0, 2147483647.0));
  if (io().stopping()) throw std::runtime_error("the I/O threads are stopping");
  double listener = 0;
  std::uint16_t bound = 0;
  const int error = io().listen(host, port, backlog, listener, bound);
  if (error != 0) return Napi::Number::New(env, error);
  const Napi::Array result = Napi::Array::New(env, 2);
  result.Set(0u, listener);
  result.Set(1u, static_cast<double>(bound));
  return result;
}

Napi::Value Runtime::io_unlisten(const Napi::CallbackInfo& info) {
  if (!io().unlisten(number_argument(info, 0)) && !io().stopping()) throw std::out_of_range("unknown listener");
  return info.Env().Undefined();
}

Napi::Value Runtime::io_send(const Napi::CallbackInfo& info) {
  const std::uint64_t connection = handle_argument(info, 0);
  const Bytes bytes = bytes_argument(info, 1);
  const auto length = static_cast<std::size_t>(integer_argument(info, 2, 0, static_cast<double>(bytes.length)));
  const auto count = static_cast<std::size_t>(integer_argument(info, 4, 0, 1e7));
  std::vector<RegionPart> parts;
  if (count > 0) {
    const double* row = doubles_argument(info, 3, count * 4).data;
    parts.reserve(count);
    std::size_t before = 0;
    for (std::size_t i = 0; i < count; i++, row += 4) {
      if (!(row[0] >= static_cast<double>(before) && row[0] <= static_cast<double>(length)) || row[0] != std::floor(row[0]))
        throw std::out_of_range("a region stands outside the bytes, or before an earlier one");
      before = static_cast<std::size_t>(row[0]);
      std::optional<FileRegion> region = segment_calls_->region(row[1], row[2], row[3]);
      if (!region) throw std::out_of_range("unknown segment, or a region outside its file");
      parts.push_back({before, std::move(*region)});
    }
  }
  const std::int64_t unsent = io().send(connection, bytes.data, length, std::move(parts));
  return Napi::Number::New(info.Env(), static_cast<double>(unsent));
}

Napi::Value Runtime::io_lend(const Napi::CallbackInfo& info) {
  const auto fd = static_cast<int>(integer_argument(info, 0, 0, 2147483647.0));
  std::optional<FileRegion> region = segment_calls_->region(number_argument(info, 1), number_argument(info, 2), number_argument(info, 3));
  if (!region) throw std::out_of_range("unknown segment, or a region outside its file");
  const double ticket = number_argument(info, 4);
  if (io().stopping()) throw std::runtime_error("the I/O threads are stopping");
  if (region->length == 0) {
    events_->complete(ticket, 0);
    return Napi::Number::New(info.Env(), 0);
  }
  std::vector<RegionPart> parts;
  parts.push_back({0, std::move(*region)});
  const std::int64_t connection = io().lend(fd, std::move(parts), [events = events_.get(), ticket](int status, std::int64_t bytes) {
    events->complete(ticket, status, static_cast<double>(bytes));
  });
  if (connection < 0) events_->complete(ticket, static_cast<double>(connection));
  return Napi::Number::New(info.Env(), static_cast<double>(connection));
}

Napi::Value Runtime::io_close(const Napi::CallbackInfo& info) {
  const bool after_send = info[1].ToBoolean();
  return Napi::Boolean::New(info.Env(), io().close(handle_argument(info, 0), after_send));
}

Napi::Value Runtime::io_pause(const Napi::CallbackInfo& info) {
  io().pause(handle_argument(info, 0), true);
  return info.Env().Undefined();
}

Napi::Value Runtime::io_resume(const Napi::CallbackInfo& info) {
  io().pause(handle_argument(info, 0), false);
  return info.Env().Undefined();
}

Napi::Value Runtime::io_peer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Connection> connection = io().find(handle_argument(info, 0));
  if (!connection) return env.Undefined();
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  if (getsockname(connection->transport->fd(), reinterpret_cast<sockaddr*>(&local), &length) != 0) return env.Undefined();
  const Napi::Object result = Napi::Object::New(env);
  result.Set("remote", address_text(connection->peer));
  result.Set("local", address_text(local));
  return result;
}

Napi::Value Runtime::io_transfer(const Napi::CallbackInfo& info) {
  const Napi::Object options = options_argument(info, 0);
  const std::int64_t mode = option(options, "mode", -1, 5);
  if (mode < 0 || mode > static_cast<int>(TransferMode::ReadWrite)) throw std::out_of_range("unknown transfer mode");
  const std::int64_t copy_below = option(options, "copyBelowBytes", 0, TransferContext::kBufferBytes);
  const std::int64_t inline_below = option(options, "inlineBelowBytes", -1, kMaxSafeInteger);
  TransferSettings& settings = io().settings();
  settings.mode.store(static_cast<int>(mode), std::memory_order_relaxed);
  settings.copy_below.store(static_cast<std::uint64_t>(copy_below), std::memory_order_relaxed);
  settings.inline_below.store(static_cast<std::uint64_t>(std::max<std::int64_t>(inline_below, 0)), std::memory_order_relaxed);
  return info.Env().Undefined();
}

Napi::Value Runtime::io_limit(const Napi::CallbackInfo& info) {
  const double big = kMaxSafeInteger;
  io().limit(integer_argument(info, 0, 0, big), integer_argument(info, 1, 0, big));
  return info.Env().Undefined();
}

Napi::Value Runtime::io_limit_addresses(const Napi::CallbackInfo& info) {
  io().limit_addresses(address_limits(info));
  return info.Env().Undefined();
}

Napi::Value Runtime::io_threads(const Napi::CallbackInfo& info) {
  io().use_threads(static_cast<unsigned>(integer_argument(info, 0, 1, kMaxThreads)));
  return info.Env().Undefined();
}

Napi::Value Runtime::io_counters(const Napi::CallbackInfo& info) {
  const Doubles into = doubles_argument(info, 0, kCounters);
  if (info[1].IsUndefined()) io().counters(into.data);
  else if (!io().counters(number_argument(info, 1), into.data)) throw std::out_of_range("unknown listener");
  return info.Env().Undefined();
}

Napi::Value Runtime::io_stop(const Napi::CallbackInfo& info) {
  const std::int64_t grace_ms = integer_argument(info, 0, 0, 1e9);
  const double ticket = number_argument(info, 1);
  if (!io_) {
    events_->complete(ticket, 0);
    return info.Env().Undefined();
  }
  if (io_->stopping()) throw std::runtime_error("ioStop was called before");
  io_->stop(grace_ms, [events = events_.get(), ticket] { events->complete(ticket, 0); });
  return info.Env().Undefined();
}

Napi::Value Runtime::close(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    shut_down(false);
    return info.Env().Undefined();
  });
}

}  // namespace sluice
