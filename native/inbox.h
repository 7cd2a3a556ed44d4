// What other threads ask of an I/O thread: a queue of commands and an eventfd.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice {

class Connection;
class Listener;

struct Command {
  enum class Kind {
    Adopt,        // connection: a new one, or (value 1) one that another thread lets go
    Kick,         // id: its send queue is yours
    Reconsider,   // id: it may be read again, perhaps
    Close,        // id, value: CloseReason
    Repause,      // id: whether the caller wants it paused may have changed
    Warm,         // id: its cold read has ended
    Listen,       // listener
    Unlisten,     // listener
    AcceptAgain,  // a connection slot became free
    Room,         // frame memory came back
    Leave,        // whether the thread is to end may have changed
    Stop,         // value: grace in ms
  };
  Kind kind;
  std::uint64_t id = 0;
  std::int64_t value = 0;
  std::shared_ptr<Connection> connection{};
  std::shared_ptr<Listener> listener{};
};

// Thread-safe. Outlives its thread: what is posted after close() is dropped, and after hand_over() goes to another one.
class Inbox {
 public:
  Inbox();
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  int event_fd() const { return event_fd_; }
  void post(Command command);
  // I/O thread: takes all. The vector is reused.
  void take(std::vector<Command>& into);
  void close();
  // True: nothing is here, and whatever comes from now on is the heir's, which outlives this and never hands over itself. Until reopen().
  bool hand_over(Inbox& heir);
  void reopen();

 private:
  const int event_fd_;
  std::mutex mutex_;
  std::vector<Command> commands_;
  bool signalled_ = false;
  bool closed_ = false;
  Inbox* heir_ = nullptr;
};

}  // namespace sluice
