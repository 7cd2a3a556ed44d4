// One accepted socket: what has been received of the current frame, and the queue of responses.
//
// Threads: the receiving half belongs to one I/O thread at a time. The sending half has one owner at a time (`writer`): nobody, the JavaScript thread during an
// inline attempt, or the I/O thread until the queue is empty. The queue itself is guarded by a mutex that is never held over a system call.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cold_read.h"
#include "clock.h"
#include "disk_credit.h"
#include "disk_queue.h"
#include "inbox.h"
#include "io_options.h"
#include "meter.h"
#include "outgoing.h"
#include "slab_pool.h"
#include "standing_answers.h"
#include "transport.h"

namespace sluice {

// Frames of one connection that were delivered and not released. Apart from the Connection, so that a frame that lives long does not keep a socket open.
class Flow final : public FrameOwner {
 public:
  Flow(std::shared_ptr<Inbox> inbox, std::uint64_t connection, const IoOptions& options)
      : inbox_(std::move(inbox)), connection_(connection), max_frames_(options.max_unreleased_frames), max_bytes_(options.max_unreleased_bytes) {}

  void delivered(std::size_t bytes) {
    frames_.fetch_add(1);
    bytes_.fetch_add(static_cast<std::int64_t>(bytes));
  }
  bool full() const { return frames_.load() >= max_frames_ || bytes_.load() >= max_bytes_; }
  bool empty() const { return frames_.load(std::memory_order_relaxed) == 0; }
  // After this, a release that makes full() false posts Reconsider once. The caller checks full() again behind it.
  void watch() { watched_.store(true); }
  void frame_released(std::size_t bytes) noexcept override;

 private:
  const std::shared_ptr<Inbox> inbox_;
  const std::uint64_t connection_;
  const std::int64_t max_frames_;
  const std::int64_t max_bytes_;
  std::atomic<std::int64_t> frames_{0};
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<bool> watched_{false};
};

// A socket address as "host:port", IPv6 in brackets, an IPv4-mapped one as IPv4.
std::string address_text(const sockaddr_storage& address);
// The host alone as 16 bytes, IPv4 mapped.
std::string address_key(const sockaddr_storage& address);

class Connection {
 public:
  // `inbox` is of the I/O thread that gets it, `meter` its listener's.
  Connection(std::uint64_t id, double listener, std::unique_ptr<Transport> transport, const sockaddr_storage& peer,
             const std::shared_ptr<Inbox>& inbox, const IoOptions& options, std::shared_ptr<ListenerMeter> meter);

  const std::uint64_t id;
  const double listener;
  const std::unique_ptr<Transport> transport;
  const sockaddr_storage peer;
  const std::shared_ptr<Flow> flow;
  const std::shared_ptr<ListenerMeter> meter;
  // Of a lent socket, else null: called once, on the I/O thread, with 0 or -errno and the bytes that were sent.
  std::function<void(int status, std::int64_t bytes)> returned;

  // --- any thread
  // Of the I/O thread that owns it, or is about to adopt it. A thread that finds a command for a connection which has moved on passes it on, and one that
  // has not adopted it yet drops it. So commands are hints: their truth stands in the connection, where adopting looks it up.
  std::atomic<Inbox*> inbox;
  // Set by the JavaScript thread (throttling).
  std::atomic<bool> pause_wanted{false};
  // A response was too large for an inline attempt.
  std::atomic<bool> large{false};
  std::atomic<std::int64_t> bytes_received{0};
  std::atomic<std::int64_t> bytes_sent{0};
  std::atomic<std::int64_t> unsent{0};
  // Responses that wait: each holds memory of its own, however few of its bytes stand in files.
  std::atomic<int> queued{0};
  // Too much waits to be sent to a peer that reads slowly: no more of its requests are read.
  bool backed_up(const IoOptions& options) const {
    return unsent.load() >= options.max_unsent_bytes || queued.load() >= options.max_unreleased_frames;
  }
  // Requests delivered minus responses given (an empty response counts: acks=0). Above 0 a long poll may be waiting: not idle.
  std::atomic<std::int64_t> awaiting{0};
  // When the last byte came or went; when bytes last went or the queue became not empty.
  std::atomic<std::int64_t> active_ms;
  std::atomic<std::int64_t> sent_ms;
  // When the last byte of a partial frame with memory came; 0: none.
  std::atomic<std::int64_t> partial_ms{0};
  // Of a read of the disk that it waits for.
  Urgency urgency_of_read(std::uint64_t bytes) {
    return disk_credit_.pay(bytes_sent.load(std::memory_order_relaxed), bytes) ? Urgency::Prompt : Urgency::Patient;
  }

  // --- JavaScript thread
  // Sends, where it is no more than `inline_most`, or queues; see NativeRuntime.ioSend. -1: gone.
  std::int64_t send(TransferContext& context, const TransferSettings& settings, std::uint64_t inline_most, const std::uint8_t* bytes,
                    std::size_t length, std::vector<RegionPart> parts);
  // False when it is gone or going.
  bool close_after_send();
  bool begin_close();
  bool closing();
  // Given while the connection is at home, and used only there.
  std::unique_ptr<StandingAnswer> standing;

  // --- I/O thread: receiving
  CounterSet* counters = nullptr;  // of the meter: that thread's
  std::uint8_t length_bytes[4];
  unsigned length_got = 0;
  std::int64_t frame_length = -1;  // -1: the length prefix is not complete
  SlabPool::Space space;

  enum PauseBit : unsigned { PausedByFlow = 1, PausedByCaller = 2, PausedByMemory = 4, PausedForEnd = 8 };
  unsigned paused = 0;
  std::uint32_t armed = 0;  // epoll events it is registered for
  bool want_write = false;
  bool runnable = false;      // in the list of those that have more to send in the next round
  std::shared_ptr<ColdRead> cold;  // waits for a disk thread
  std::int64_t cold_since_us = 0;
  Urgency cold_urgency = Urgency::Patient;
  bool adopted = false;
  bool leaving = false;       // moves to another thread at the end of the round
  std::int64_t moved_ms = 0;  // when this thread got it
  std::int64_t heavy_ms = 0;  // when it last had work that is not for the JavaScript thread
  std::int64_t large_frame_ms = INT64_MIN / 2;  // when that was to receive
  bool lingering = false;     // everything is sent; waits for the peer's end
  std::int64_t linger_until_ms = 0;
  bool dead = false;
  std::size_t index = 0;      // in the thread's list

  // --- I/O thread: sending
  // The first response of the queue; null and no longer the owner when there is none. `more`: another stands behind it.
  Outgoing* front(bool& more);
  void pop_front();
  bool after_send_wanted();
  // Nothing is queued and nobody is sending.
  bool drained();
  // No response is taken any more; what is queued is dropped and unpinned.
  void drop_queue();

 private:
  enum class Writer { None, JavaScript, Io };

  std::mutex mutex_;
  std::deque<Outgoing> queue_;
  Writer writer_ = Writer::None;
  bool closing_ = false;
  bool close_after_send_ = false;
  DiskCredit disk_credit_;
};

}  // namespace sluice
