// The receiving half of an I/O thread: cuts the byte stream into frames.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io_thread.h"

namespace sluice {

namespace {

// Small frames come in here and are copied into a slab: many of them cost one system call.
constexpr std::size_t kSpillBytes = 64 * 1024;
// Behind the rest of a large frame: enough for the next length prefix and a small request, and little to copy of a large one.
constexpr std::size_t kSpillBehindLarge = 1024;
constexpr std::size_t kLargeRest = 32 * 1024;
constexpr std::size_t kReadPerRound = 1024 * 1024;
// Requests up to so many bytes may be read on the JavaScript thread.
constexpr std::int32_t kLightFrame = 32 * 1024;

bool large(const Connection& connection) { return connection.frame_length > static_cast<std::int64_t>(SlabPool::kSmallFrame); }

}  // namespace

bool IoThread::may_read(Connection& connection) {
  Flow& flow = *connection.flow;
  const auto held = [&] { return flow.full() || connection.backed_up(server_.options()); };
  if (held()) {
    flow.watch();
    if (held()) {
      pause(connection, Connection::PausedByFlow);
      return false;
    }
  }
  if (server_.pool().full(large(connection))) {
    server_.pool().wait_for_room();
    if (server_.pool().full(large(connection))) {
      if (memory_waiting_.empty()) {
        memory_since_ms_ = now_ms_;
        next_sweep_ms_ = std::min(next_sweep_ms_, now_ms_ + 50);
      }
      memory_waiting_.push_back(connections_[connection.index]);
      pause(connection, Connection::PausedByMemory);
      return false;
    }
  }
  return true;
}

void IoThread::readable(Connection& connection) {
  if (connection.paused != 0) return;
  if (connection.lingering) return discard(connection);
  if (!may_read(connection)) return;
  if (!spill_) spill_.reset(new std::uint8_t[kSpillBytes]);
  iovec parts[2];
  int count = 0;
  std::size_t direct = 0;
  if (connection.space) {
    direct = std::min(connection.space.room(), kReadPerRound);
    parts[count++] = {connection.space.next(), direct};
  }
  if (!connection.space || direct == connection.space.missing())
    parts[count++] = {spill_.get(), direct > kLargeRest ? kSpillBehindLarge : kSpillBytes};

  const ssize_t got = connection.transport->read(parts, count);
  if (got == -EAGAIN) return;
  if (got <= 0) return close(connection, got == 0 ? CloseReason::Peer : CloseReason::Reset);
  if (at_home()) server_.crowd().heard(connection.id, now_ms_);
  connection.counters->add(Counter::BytesReceived, got);
  connection.bytes_received.store(connection.bytes_received.load(std::memory_order_relaxed) + got, std::memory_order_relaxed);
  connection.active_ms.store(now_ms_, std::memory_order_relaxed);
  std::size_t rest = static_cast<std::size_t>(got);
  if (direct > 0) {
    const std::size_t part = std::min(direct, rest);
    if (!filled(connection, part)) return;
    rest -= part;
  }
  if (rest > 0 && !consume(connection, spill_.get(), rest)) return;
  if (connection.frame_length < 0) light(connection);
}

// `bytes` more stand in the space of the current frame.
bool IoThread::filled(Connection& connection, std::size_t bytes) {
  SlabPool& pool = server_.pool();
  pool.arrived(connection.space, bytes);
  if (connection.space.missing() == 0) {
    deliver(connection, pool.finish(connection.space, connection.flow));
    connection.partial_ms.store(0, std::memory_order_relaxed);
    return true;
  }
  connection.partial_ms.store(std::max<std::int64_t>(now_ms_, 1), std::memory_order_relaxed);
  if (connection.space.room() > 0 || pool.grow(connection.space)) return true;
  close(connection, CloseReason::MemoryPressure);
  return false;
}

// False: the connection was closed.
bool IoThread::consume(Connection& connection, const std::uint8_t* bytes, std::size_t length) {
  SlabPool& pool = server_.pool();
  bool answered = false;
  for (;;) {
    if (connection.frame_length < 0) {
      while (connection.length_got < 4 && length > 0) {
        connection.length_bytes[connection.length_got++] = *bytes++;
        length--;
      }
      if (connection.length_got < 4) return true;
      std::uint32_t raw;
      std::memcpy(&raw, connection.length_bytes, 4);
      const std::int32_t claimed = static_cast<std::int32_t>(be32toh(raw));
      if (claimed < 0 || claimed > server_.options().max_frame_bytes) {
        close(connection, CloseReason::BadFrameLength);
        return false;
      }
      connection.length_got = 0;
      connection.frame_length = claimed;
      if (claimed > kLightFrame) {
        connection.large_frame_ms = now_ms_;
        heavy(connection);
      }
    }
    const std::size_t frame = static_cast<std::size_t>(connection.frame_length);
    if (length == 0 && frame > 0) return true;  // a claim alone takes no memory
    // Once: who sends many at a time waits for its turns on the JavaScript thread.
    if (!answered && frame <= length && at_home() && server_.answered(connection, bytes, frame, now_ms_)) {
      answered = true;
      connection.frame_length = -1;
      bytes += frame;
      length -= frame;
      continue;
    }
    if (frame <= length && frame <= SlabPool::kSmallFrame) {
      const std::optional<FrameView> whole = pool.add(writer_, bytes, frame, connection.flow);
      if (!whole) {
        close(connection, CloseReason::MemoryPressure);
        return false;
      }
      deliver(connection, *whole);
      bytes += frame;
      length -= frame;
      continue;
    }
    if (!pool.begin(writer_, frame, connection.space)) {
      close(connection, CloseReason::MemoryPressure);
      return false;
    }
    const std::size_t part = std::min(length, connection.space.room());
    std::memcpy(connection.space.next(), bytes, part);
    bytes += part;
    length -= part;
    if (!filled(connection, part)) return false;
    if (connection.space) return true;
  }
}

void IoThread::deliver(Connection& connection, const FrameView& frame) {
  connection.frame_length = -1;
  connection.flow->delivered(frame.length);
  connection.awaiting.fetch_add(1, std::memory_order_relaxed);
  connection.counters->add(Counter::FramesReceived, 1);
  rows_.push_back({static_cast<double>(EventKind::Frame), static_cast<double>(connection.id), static_cast<double>(frame.id),
                   static_cast<double>(frame.slab), static_cast<double>(frame.offset), static_cast<double>(frame.length)});
}

// After the last response of a connection that is being closed: input is thrown away until the peer ends too.
void IoThread::discard(Connection& connection) {
  if (!spill_) spill_.reset(new std::uint8_t[kSpillBytes]);
  const iovec part{spill_.get(), kSpillBytes};
  const ssize_t got = connection.transport->read(&part, 1);
  if (got == 0 || (got < 0 && got != -EAGAIN)) close(connection, CloseReason::Local);
}

void IoThread::pause(Connection& connection, unsigned bit) {
  if (connection.lingering) return;
  if (connection.paused == 0) connection.counters->add(Counter::ReadPauses, 1);
  connection.paused |= bit;
  interest(connection);
}

void IoThread::unpause(Connection& connection, unsigned bit) {
  if (!(connection.paused & bit)) return;
  connection.paused &= ~bit;
  // The time it was not read does not count as idle.
  if (connection.paused == 0) connection.active_ms.store(now_ms_, std::memory_order_relaxed);
  interest(connection);
}

void IoThread::reconsider(Connection& connection) {
  if (!(connection.paused & Connection::PausedByFlow)) return;
  const bool unsent = connection.backed_up(server_.options());
  if (!connection.flow->full() && !unsent) return unpause(connection, Connection::PausedByFlow);
  // Watched for frames only while frames hold it: flush() looks after what is unsent.
  if (connection.flow->full()) {
    connection.flow->watch();
    if (!connection.flow->full() && !unsent) unpause(connection, Connection::PausedByFlow);
  }
}

void IoThread::room() {
  std::vector<std::shared_ptr<Connection>> waiting;
  waiting.swap(memory_waiting_);
  for (const auto& connection : waiting)
    if (!connection->dead) unpause(*connection, Connection::PausedByMemory);
}

}  // namespace sluice
