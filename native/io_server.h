// The network half of a runtime: listeners, connections and the threads that own them.
//
// A connection belongs to one I/O thread at a time. It knows framing (a 4-byte length, then the frame) and nothing else of the protocol.
// Events go to the channel in one push per round of a thread: opened, frames in order of arrival, closed last.
//
// Idle: a connection is closed when for max_idle_ms no byte came or went, unless a request of it is held (a frame not released), or has no response yet
// (a long poll may wait). A request that gets no response (acks=0) is answered with an empty send(); one that is forgotten counts for 10 x max_idle_ms.
// A peer that takes no byte of a waiting response for max_idle_ms is closed too. A partial frame does not keep a connection from being idle.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "connection.h"
#include "connection_table.h"
#include "disk_queue.h"
#include "event_channel.h"
#include "home_crowd.h"
#include "io_options.h"
#include "slab_pool.h"

namespace sluice {

class IoThread;

// I/O threads that there may be at a time, if it was not started with more.
constexpr unsigned kMostIoThreads = 64;

// A listening socket. Owned by one I/O thread at a time once posted to it.
class Listener {
 public:
  Listener(double id_, int fd_, unsigned thread_, std::shared_ptr<ListenerMeter> meter_) : id(id_), fd(fd_), thread(thread_), meter(std::move(meter_)) {}
  ~Listener();
  const double id;
  const int fd;
  // Moves to the first one with the end of its own. Commands go by way of it.
  std::atomic<unsigned> thread;
  const std::shared_ptr<ListenerMeter> meter;
  std::atomic<bool> closed{false};
  // I/O thread
  bool armed = false;
  bool wants_slot = false;         // paused by max_connections
  std::int64_t resume_ms = 0;      // paused by a refused accept until then
  std::int64_t reported_ms = INT64_MIN / 2;
};

class IoServer {
 public:
  // `events`, `disk` and `pool` outlive it. Starts the threads. Without `places` no answer stands.
  IoServer(const IoOptions& options, EventChannel& events, std::shared_ptr<SlabPool> pool, DiskQueue& disk,
           std::shared_ptr<StandingPlaces> places = nullptr);
  ~IoServer();  // stops without grace and joins
  IoServer(const IoServer&) = delete;
  IoServer& operator=(const IoServer&) = delete;

  // --- JavaScript thread
  // 0, or -errno; EINVAL when `host` is no numeric address.
  int listen(const std::string& host, std::uint16_t port, int backlog, double& listener, std::uint16_t& bound_port);
  // The port is free when it returns. False: unknown.
  bool unlisten(double listener);
  std::int64_t send(std::uint64_t connection, const std::uint8_t* bytes, std::size_t length, std::vector<RegionPart> parts);
  // Until its place has another stamp `answer` (with its length) is given to every request like this one on the connection, while it is at home and nothing else
  // of it is unanswered. Larger ones than StandingAnswer::kMost are not kept.
  void stand(std::uint64_t connection, std::vector<std::uint8_t> request, std::vector<std::uint8_t> answer, std::size_t place, double stamp);
  // Sends regions to a socket that stays its owner's, who must not write to it meanwhile: the descriptor is duplicated. `returned` is called on
  // another thread; close() of what this gives ends it early. -errno: not a connected, non-blocking stream socket; nothing will be called.
  std::int64_t lend(int fd, std::vector<RegionPart> parts, std::function<void(int status, std::int64_t bytes)> returned);
  bool close(std::uint64_t connection, bool after_send);
  void pause(std::uint64_t connection, bool paused);
  std::shared_ptr<Connection> find(std::uint64_t connection) { return table_.find(connection); }
  TransferSettings& settings() { return settings_; }
  // Connections at a time, of all and of one address. Those that are open stay, however many they are.
  void limit(std::int64_t connections, std::int64_t per_address);
  // Of single addresses (address_key) instead of `per_address`, all at once.
  void limit_addresses(std::unordered_map<std::string, std::int64_t> most);
  // From now on so many threads have connections. Of those that are too many each gives away what it has, and ends when it has nothing left: a
  // connection whose bytes are just being read from a disk, say, stays with it until then.
  void use_threads(unsigned threads);
  // kCounters numbers of all listeners, those that were closed included; of one. False: it never was.
  void counters(double* into) const;
  bool counters(double listener, double* into) const;
  // With options.home: receives from the light connections without waiting; what came is in the event channel then. To be called when home_fd() is
  // readable, and after so many milliseconds as it returns (-1: no need).
  int turn(int timeout_ms = 0);
  int home_fd() const;
  // Ends listening and reading now; what is queued is sent for at most grace_ms. `done` is called on another thread when all threads have ended. Once.
  void stop(std::int64_t grace_ms, std::function<void()> done);
  bool stopping() const { return stopping_; }
  // Joins. Idempotent.
  void join();

  // --- I/O threads
  const IoOptions& options() const { return options_; }
  EventChannel& events() { return events_; }
  SlabPool& pool() { return *pool_; }
  DiskQueue& disk() { return disk_; }
  ConnectionTable& table() { return table_; }
  // Takes a place among the connections that are allowed. After false the caller is told by AcceptAgain.
  bool take_place();
  void give_place();
  bool admit_address(const std::string& key);
  void drop_address(const std::string& key);
  IoThread& least_loaded();
  // The one that stays as long as the server.
  IoThread& first() { return *threads_[0]; }
  // `by` has adopted what was meant for the thread of `inbox`, which has ended.
  void took_over(const Inbox* inbox, IoThread& by);
  // Where light connections live: the caller's thread; null: there is none.
  IoThread* home() { return home_.get(); }
  HomeCrowd& crowd() { return crowd_; }
  // For the one connection of all I/O threads, whatever it takes: nobody was at home for so long.
  bool room_at_home(std::int64_t ms, std::int64_t now_ms) const;
  // At home. True: a whole request that has an answer which stands, and was given it.
  bool answered(Connection& connection, const std::uint8_t* request, std::size_t length, std::int64_t now_ms);
  IoThread& first_owner() { return home_ ? *home_ : least_loaded(); }
  // Frame memory is used up and nothing moved: closes the connection whose partial frame has stalled the longest.
  void relieve(std::int64_t now_ms, std::int64_t stall_ms);

 private:
  const IoOptions options_;
  EventChannel& events_;
  const std::shared_ptr<SlabPool> pool_;
  DiskQueue& disk_;
  TransferSettings settings_;
  ConnectionTable table_;
  TransferContext inline_context_;  // of the JavaScript thread
  const std::shared_ptr<StandingPlaces> places_;
  HomeCrowd crowd_;
  std::uint64_t inline_most(const Connection& connection);
  void post_all(Command::Kind kind, std::int64_t value = 0);
  void wait_for_home();

  // Slots that never move: others look at the started ones while more are started.
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::atomic<unsigned> started_{0};
  std::atomic<unsigned> used_{0};
  void start_threads(unsigned threads);
  std::unique_ptr<IoThread> home_;
  std::mutex home_mutex_;
  std::condition_variable home_ended_;
  bool home_going_ = false;
  std::unordered_map<double, std::shared_ptr<Listener>> listeners_;
  std::unordered_map<double, std::shared_ptr<ListenerMeter>> meters_;
  const std::shared_ptr<ListenerMeter> lent_meter_;
  double next_listener_ = 1;
  bool stopping_ = false;
  std::thread stopper_;

  std::atomic<std::int64_t> open_{0};
  std::atomic<std::int64_t> most_;
  std::atomic<bool> place_wanted_{false};
  std::mutex address_mutex_;
  std::int64_t most_per_address_;
  std::unordered_map<std::string, std::int64_t> addresses_;
  std::unordered_map<std::string, std::int64_t> most_of_address_;
  std::mutex relief_mutex_;
  std::int64_t relieved_ms_ = 0;
};

}  // namespace sluice
