// The network calls of the Runtime: io*.
#include <algorithm>
#include <cmath>

#include "address_limits.h"
#include "arguments.h"
#include "runtime.h"

namespace sluice {

IoServer& Runtime::io() {
  if (!io_) throw std::runtime_error("ioStart was not called");
  return *io_;
}

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
  auto server = std::make_unique<IoServer>(io, *events_, pool_, *disk_, standings_);
  if (io.home && !waker_->watch(server->home_fd(), [this] { return turn(); })) throw std::runtime_error("the event loop cannot watch sockets");
  io_ = std::move(server);
  return info.Env().Undefined();
}

bool Runtime::turn() {
  if (!io_) return false;
  waker_->remind(io_->turn());
  return turned_ = events_->any();
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

Napi::Value Runtime::io_standings(const Napi::CallbackInfo& info) {
  if (io_ || standings_) throw std::runtime_error("ioStandings comes once, and before ioStart");
  const auto count = static_cast<std::size_t>(integer_argument(info, 0, 1, 1e6));
  auto places = std::make_shared<StandingPlaces>(count, number_argument(info, 1), monotonic_ms());
  standings_ = places;
  const std::size_t numbers = count * StandingPlaces::kNumbers;
  double* memory = places->numbers();
  auto keep = std::make_unique<std::shared_ptr<StandingPlaces>>(std::move(places));
  const auto buffer = Napi::ArrayBuffer::New(info.Env(), memory, numbers * sizeof(double),
                                             [](Napi::Env, void*, std::shared_ptr<StandingPlaces>* kept) { delete kept; }, keep.get());
  keep.release();
  return Napi::Float64Array::New(info.Env(), numbers, buffer, 0);
}

Napi::Value Runtime::io_stand(const Napi::CallbackInfo& info) {
  const Bytes request = bytes_argument(info, 1);
  const auto end = static_cast<std::size_t>(integer_argument(info, 3, 0, static_cast<double>(request.length)));
  const auto start = static_cast<std::size_t>(integer_argument(info, 2, 0, static_cast<double>(end)));
  const Bytes answer = bytes_argument(info, 4);
  const auto length = static_cast<std::size_t>(integer_argument(info, 5, 0, static_cast<double>(answer.length)));
  const auto place = static_cast<std::size_t>(integer_argument(info, 6, 0, 1e6));
  io().stand(handle_argument(info, 0), {request.data + start, request.data + end}, {answer.data, answer.data + length}, place,
             number_argument(info, 7));
  return info.Env().Undefined();
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

}  // namespace sluice
