#include "connection.h"

#include <arpa/inet.h>
#include <cstring>

namespace sluice {

void Flow::frame_released(std::size_t bytes) noexcept {
  frames_.fetch_sub(1);
  bytes_.fetch_sub(static_cast<std::int64_t>(bytes));
  if (watched_.load() && !full() && watched_.exchange(false)) inbox_->post({Command::Kind::Reconsider, connection_});
}

std::string address_key(const sockaddr_storage& address) {
  std::string key(16, '\0');
  if (address.ss_family == AF_INET6) {
    std::memcpy(key.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
  } else {
    key[10] = key[11] = '\xff';
    std::memcpy(key.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  }
  return key;
}

std::string address_text(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN];
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    const std::string port = std::to_string(ntohs(v6.sin6_port));
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, reinterpret_cast<const char*>(&v6.sin6_addr) + 12, host, sizeof host);
      return std::string(host) + ":" + port;
    }
    inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + port;
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
}

Connection::Connection(std::uint64_t id_, double listener_, std::unique_ptr<Transport> transport_, const sockaddr_storage& peer_,
                       const std::shared_ptr<Inbox>& owner, const IoOptions& options, std::shared_ptr<ListenerMeter> meter_)
    : id(id_),
      listener(listener_),
      transport(std::move(transport_)),
      peer(peer_),
      flow(std::make_shared<Flow>(owner, id, options)),
      meter(std::move(meter_)),
      inbox(owner.get()),
      active_ms(monotonic_ms()),
      sent_ms(active_ms.load()) {}

std::int64_t Connection::send(TransferContext& context, const TransferSettings& settings, std::uint64_t inline_most, const std::uint8_t* bytes,
                              std::size_t length, std::vector<RegionPart> parts) {
  CounterSet& counted = meter->of_javascript();
  Outgoing response(bytes, length, std::move(parts));
  const std::uint64_t total = response.remaining();
  const bool inline_size = total <= inline_most;
  {
    std::unique_lock lock(mutex_);
    if (closing_ || close_after_send_) return -1;
    awaiting.fetch_sub(1, std::memory_order_relaxed);
    if (total == 0) return unsent.load();
    if (!inline_size) large.store(true);
    if (writer_ != Writer::None || !inline_size) {
      const bool kick = writer_ == Writer::None;
      response.own();
      const std::int64_t now_unsent = unsent.fetch_add(static_cast<std::int64_t>(total)) + static_cast<std::int64_t>(total);
      if (kick) {
        writer_ = Writer::Io;
        sent_ms.store(monotonic_ms(), std::memory_order_relaxed);
      }
      queue_.push_back(std::move(response));
      queued.fetch_add(1);
      lock.unlock();
      counted.add(Counter::QueuedResponses, 1);
      if (kick) inbox.load()->post({Command::Kind::Kick, id});
      return now_unsent;
    }
    writer_ = Writer::JavaScript;
  }

  const std::int64_t now = monotonic_ms();
  StepLimits limits{static_cast<TransferMode>(settings.mode.load(std::memory_order_relaxed)),
                    settings.copy_below.load(std::memory_order_relaxed), 0, false, now};
  StepResult result = StepResult::Progress;
  while (result == StepResult::Progress && response.remaining() > 0) {
    const std::uint64_t before = total - response.remaining();
    if (before >= kSendPerRound) break;
    limits.max_bytes = kSendPerRound - static_cast<std::size_t>(before);
    std::size_t sent;
    result = response.step(*transport, context, counted, limits, sent);
    if (sent > 0) counted.add(Counter::BytesSent, static_cast<std::int64_t>(sent));
  }
  const std::uint64_t left = response.remaining();
  if (left < total) {
    bytes_sent.fetch_add(static_cast<std::int64_t>(total - left), std::memory_order_relaxed);
    active_ms.store(now, std::memory_order_relaxed);
  }
  sent_ms.store(now, std::memory_order_relaxed);
  counted.add(left == 0 ? Counter::InlineResponses : Counter::QueuedResponses, 1);
  {
    std::lock_guard lock(mutex_);
    if (closing_) return -1;
    if (left == 0) {
      writer_ = Writer::None;
      return 0;
    }
    // What stands in the way (a full socket, cold pages, an error) is the I/O thread's to meet.
    response.own();
    unsent.fetch_add(static_cast<std::int64_t>(left));
    writer_ = Writer::Io;
    queue_.push_back(std::move(response));
    queued.fetch_add(1);
  }
  inbox.load()->post({Command::Kind::Kick, id});
  return static_cast<std::int64_t>(left);
}

bool Connection::close_after_send() {
  {
    std::lock_guard lock(mutex_);
    if (closing_ || close_after_send_) return false;
    close_after_send_ = true;
  }
  // Wakes the I/O thread also when nothing is queued.
  inbox.load()->post({Command::Kind::Kick, id});
  return true;
}

bool Connection::begin_close() {
  std::lock_guard lock(mutex_);
  if (closing_) return false;
  closing_ = true;
  return true;
}

bool Connection::closing() {
  std::lock_guard lock(mutex_);
  return closing_;
}

Outgoing* Connection::front(bool& more) {
  std::lock_guard lock(mutex_);
  if (writer_ == Writer::JavaScript) return nullptr;
  if (queue_.empty()) {
    writer_ = Writer::None;
    return nullptr;
  }
  more = queue_.size() > 1;
  return &queue_.front();
}

void Connection::pop_front() {
  std::optional<Outgoing> gone;  // unpins its files outside the lock
  std::lock_guard lock(mutex_);
  gone.emplace(std::move(queue_.front()));
  queue_.pop_front();
  queued.fetch_sub(1);
}

bool Connection::after_send_wanted() {
  std::lock_guard lock(mutex_);
  return close_after_send_ && queue_.empty() && writer_ == Writer::None;
}

bool Connection::drained() {
  std::lock_guard lock(mutex_);
  return queue_.empty() && writer_ == Writer::None;
}

void Connection::drop_queue() {
  std::deque<Outgoing> dropped;
  std::lock_guard lock(mutex_);
  closing_ = true;
  dropped.swap(queue_);
}

}  // namespace sluice
