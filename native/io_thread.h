// One epoll loop and the sockets it owns: on a thread of its own, or driven by the JavaScript thread ("home"). See io_server.h.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "io_server.h"

namespace sluice {

class IoThread {
 public:
  IoThread(IoServer& server, unsigned number);
  ~IoThread();
  void start();
  void join();
  // --- JavaScript thread: gives away what it has and ends; or not, begun anew if it has. The first thread never does.
  void retire();
  void stay();
  // One turn of the loop. False: it has ended, and must not be called again.
  bool round(int timeout_ms);
  // Until the next round is due without an event; -1: never.
  int wait_ms() const;
  int epoll_fd() const { return epoll_; }

  Inbox& inbox() { return *inbox_; }
  const std::shared_ptr<Inbox>& shared_inbox() const { return inbox_; }
  bool owns(const Connection& connection) const { return connection.inbox.load(std::memory_order_relaxed) == inbox_.get(); }
  // Connections it has or is about to have.
  std::atomic<std::int64_t> load{0};

 private:
  void run();
  void obey(Command& command);
  void flush_rows();

  // accepting
  void arm(Listener& listener, bool on);
  void forget(Listener& listener);
  void accept(Listener& listener);
  void admit(Listener& listener, int fd, const sockaddr_storage& peer);
  void adopt(std::shared_ptr<Connection> connection, bool moved);

  // receiving
  void readable(Connection& connection);
  void discard(Connection& connection);
  bool may_read(Connection& connection);
  bool consume(Connection& connection, const std::uint8_t* bytes, std::size_t length);
  bool filled(Connection& connection, std::size_t bytes);
  void deliver(Connection& connection, const FrameView& frame);
  void pause(Connection& connection, unsigned bit);
  void unpause(Connection& connection, unsigned bit);
  void reconsider(Connection& connection);
  void room();

  // sending
  void flush(Connection& connection);
  void sent(Connection& connection, std::size_t bytes);
  void wait_for_disk(Connection& connection, Outgoing& response);
  bool queue_cold_read(Connection& connection);
  void retry_lane();
  void warmed(Connection& connection);
  void count_cold(Connection& connection, const FileRegion& region, Counter counter, std::int64_t amount);
  void drained(Connection& connection);

  // moving
  bool at_home() const { return server_.home() == this; }
  void heavy(Connection& connection);
  void light(Connection& connection);
  bool outstays(const Connection& connection, const Outgoing& response);
  void leave(Connection& connection);
  void let_go();
  bool movable(const Connection& connection) const;
  void give_away();
  bool retired();
  void detach(Connection& connection);
  void look(Connection& connection);

  void interest(Connection& connection);
  void close(Connection& connection, CloseReason reason);
  void give_back(Connection& connection, CloseReason reason);
  void sweep();
  std::int64_t sweep_interval_ms() const;
  bool idle(const Connection& connection) const;
  void begin_stop(std::int64_t grace_ms);
  bool stop_round();

  IoServer& server_;
  const unsigned number_;
  const std::shared_ptr<Inbox> inbox_;
  const int epoll_;
  std::thread thread_;

  TransferContext context_;
  SlabPool::Writer writer_;
  std::unique_ptr<std::uint8_t[]> spill_;
  std::vector<EventRow> rows_;
  std::vector<Command> commands_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> graveyard_;  // until no event of this round can name them
  std::vector<std::shared_ptr<Connection>> runnable_;
  std::vector<std::shared_ptr<Connection>> leaving_;
  std::vector<std::shared_ptr<Connection>> memory_waiting_;
  std::vector<std::shared_ptr<Connection>> lane_waiting_;  // cold, and the read lane was full
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<Listener>> listener_graveyard_;
  std::int64_t now_ms_ = 0;
  std::int64_t next_sweep_ms_ = INT64_MAX;  // none
  std::int64_t memory_since_ms_ = 0;
  std::size_t lingering_ = 0;
  std::mutex life_;  // of the decision to end
  std::atomic<bool> retiring_{false};
  bool ended_ = false;
  bool stopping_ = false;
  std::int64_t stop_deadline_ms_ = 0;
};

}  // namespace sluice
