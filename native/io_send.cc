// The sending half of an I/O thread: works off the queues of responses, fairly and without waiting for sockets or disks.
#include <algorithm>

#include "io_thread.h"

namespace sluice {

namespace {

// Per connection and round: others wait for at most so many bytes.
constexpr std::size_t kSendPerRound = 1024 * 1024;
constexpr std::int64_t kLingerMs = 1000;

}  // namespace

void IoThread::flush(Connection& connection) {
  if (connection.cold || connection.runnable || connection.lingering) return;
  const TransferSettings& settings = server_.settings();
  std::size_t total = 0;
  bool more = false;
  while (Outgoing* response = connection.front(more)) {
    if (response->remaining() == 0) {
      connection.pop_front();
      if (connection.paused & Connection::PausedByFlow) reconsider(connection);
      continue;
    }
    if (total >= kSendPerRound) {
      connection.runnable = true;
      runnable_.push_back(connections_[connection.index]);
      connection.want_write = false;
      return interest(connection);
    }
    const StepLimits limits{static_cast<TransferMode>(settings.mode.load(std::memory_order_relaxed)),
                            settings.copy_below.load(std::memory_order_relaxed), kSendPerRound - total, more, now_ms_};
    std::size_t bytes;
    const StepResult result = response->step(*connection.transport, context_, *connection.counters, limits, bytes);
    total += bytes;
    if (bytes > 0) sent(connection, bytes);
    switch (result) {
      case StepResult::Progress:
        break;
      case StepResult::Blocked:
        if (response->remaining() == 0) break;
        connection.want_write = true;
        return interest(connection);
      case StepResult::Cold:
        if (wait_for_disk(connection, *response)) return;
        break;
      case StepResult::Broken:
        return close(connection, CloseReason::TransferFailed);
      case StepResult::Gone:
        return close(connection, CloseReason::Reset);
    }
  }
  connection.want_write = false;
  interest(connection);
  drained(connection);
}

void IoThread::sent(Connection& connection, std::size_t bytes) {
  connection.counters->add(Counter::BytesSent, static_cast<std::int64_t>(bytes));
  connection.bytes_sent.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  connection.unsent.fetch_sub(static_cast<std::int64_t>(bytes));
  connection.sent_ms.store(now_ms_, std::memory_order_relaxed);
  connection.active_ms.store(now_ms_, std::memory_order_relaxed);
  if (connection.paused & Connection::PausedByFlow) reconsider(connection);
}

void IoThread::count_cold(Connection& connection, const FileRegion& region, Counter counter, std::int64_t amount) {
  connection.counters->add(counter, amount);
  if (LogMeter* log = region.file->meter()) log->add(counter, amount);
}

// The read of a cold range has ended.
void IoThread::warmed(Connection& connection, std::uint64_t until) {
  connection.cold = false;
  bool more;
  if (Outgoing* response = connection.front(more)) {
    count_cold(connection, response->cold().region, Counter::ColdMicros, monotonic_us() - connection.cold_since_us);
    response->warmed(until);
  }
  connection.sent_ms.store(now_ms_, std::memory_order_relaxed);
  flush(connection);
}

// False: the read lane is full; then this thread waits for the disk itself, which is slow but ends.
bool IoThread::wait_for_disk(Connection& connection, Outgoing& response) {
  const Outgoing::ColdRange range = response.cold();
  const std::int64_t since_us = monotonic_us();
  count_cold(connection, range.region, Counter::ColdReads, 1);
  count_cold(connection, range.region, Counter::ColdBytes, static_cast<std::int64_t>(range.length));
  const std::uint64_t until = range.position + range.length;
  const bool queued = server_.disk().submit(Lane::Read, [inbox = inbox_, id = connection.id, range, until] {
    warm(range.region.file->fd(), range.position, range.length);
    inbox->post({Command::Kind::Warm, id, static_cast<std::int64_t>(until)});
  });
  if (!queued) {
    warm(range.region.file->fd(), range.position, range.length);
    count_cold(connection, range.region, Counter::ColdMicros, monotonic_us() - since_us);
    response.warmed(until);
    return false;
  }
  connection.cold = true;
  connection.cold_since_us = since_us;
  connection.want_write = false;
  interest(connection);
  return true;
}

// The queue is empty.
void IoThread::drained(Connection& connection) {
  if (!connection.after_send_wanted()) return;
  connection.transport->shutdown_write();
  connection.lingering = true;
  connection.linger_until_ms = now_ms_ + kLingerMs;
  lingering_++;
  next_sweep_ms_ = std::min(next_sweep_ms_, connection.linger_until_ms);
  server_.pool().abandon(connection.space);
  connection.partial_ms.store(0, std::memory_order_relaxed);
  connection.paused = 0;
  interest(connection);
}

}  // namespace sluice
