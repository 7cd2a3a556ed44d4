// The sending half of an I/O thread: works off the queues of responses, fairly and without waiting for sockets or disks.
#include <algorithm>

#include "io_thread.h"

namespace sluice {

namespace {

constexpr std::int64_t kLingerMs = 1000;
// When the read lane is full.
constexpr std::int64_t kLaneRetryMs = 10;

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
      if (outstays(connection, *response)) return heavy(connection);
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
        if (outstays(connection, *response)) heavy(connection);
        return interest(connection);
      case StepResult::Cold:
        return wait_for_disk(connection, *response);
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

// The connection waits, nobody else does: its thread goes on with the others.
void IoThread::wait_for_disk(Connection& connection, Outgoing& response) {
  connection.cold = response.cold();
  connection.cold_since_us = monotonic_us();
  count_cold(connection, connection.cold->region, Counter::ColdReads, 1);
  count_cold(connection, connection.cold->region, Counter::ColdBytes, static_cast<std::int64_t>(connection.cold->length));
  connection.cold_urgency = connection.urgency_of_read(connection.cold->length + connection.cold->ahead());
  connection.want_write = false;
  interest(connection);
  if (!queue_cold_read(connection)) lane_waiting_.push_back(connections_[connection.index]);
}

// False: the read lane is full. It is tried again in the next sweep.
bool IoThread::queue_cold_read(Connection& connection) {
  auto job = [inbox = inbox_, id = connection.id, read = connection.cold] {
    read->run();
    inbox->post({Command::Kind::Warm, id});
  };
  const bool queued = server_.disk().submit(Lane::Read, connection.cold->region.place, std::move(job), connection.cold_urgency);
  if (!queued) next_sweep_ms_ = std::min(next_sweep_ms_, now_ms_ + kLaneRetryMs);
  return queued;
}

void IoThread::retry_lane() {
  std::erase_if(lane_waiting_, [this](const auto& connection) { return connection->dead || queue_cold_read(*connection); });
}

// The read of a cold range has ended.
void IoThread::warmed(Connection& connection) {
  const std::shared_ptr<ColdRead> read = std::move(connection.cold);
  connection.cold = nullptr;
  if (!read) return;
  count_cold(connection, read->region, Counter::ColdMicros, monotonic_us() - connection.cold_since_us);
  if (read->error != 0) return close(connection, CloseReason::TransferFailed);
  bool more;
  if (Outgoing* response = connection.front(more)) response->warmed(*read);
  connection.sent_ms.store(now_ms_, std::memory_order_relaxed);
  flush(connection);
}

// The queue is empty.
void IoThread::drained(Connection& connection) {
  if (connection.returned) return close(connection, CloseReason::Local);
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
