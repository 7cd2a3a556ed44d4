// Which thread a connection lives on.
//
// A hop from an I/O thread to the JavaScript thread costs more than reading a small request there. So connections live at home, on the JavaScript thread,
// as long as their requests are small and their responses leave at once; one that sends large frames, or takes more than an inline attempt gives, is
// handed to an I/O thread, and comes back when that has been over for a while. One that is alone stays at home with large responses too (home_crowd.h).
// An I/O thread that is one too many gives away what it has, and ends.
#include "io_thread.h"

namespace sluice {

namespace {

constexpr std::int64_t kLightAfterMs = 1000;

}  // namespace

void IoThread::heavy(Connection& connection) {
  connection.heavy_ms = now_ms_;
  if (at_home()) leave(connection);
}

void IoThread::light(Connection& connection) {
  if (at_home() || server_.home() == nullptr) return;
  const auto over = [this](std::int64_t since_ms) { return now_ms_ - since_ms > kLightAfterMs; };
  if (connection.large.exchange(false)) connection.heavy_ms = now_ms_;
  const bool sole = over(connection.moved_ms) && over(connection.large_frame_ms) && server_.room_at_home(kLightAfterMs, now_ms_);
  if (sole || over(connection.heavy_ms)) leave(connection);
}

// At home, with more to send than others there should wait for, and free to go.
bool IoThread::outstays(const Connection& connection, const Outgoing& response) {
  return at_home() && !stopping_ && !connection.leaving && response.remaining() > server_.settings().inline_below.load(std::memory_order_relaxed) &&
         !server_.crowd().sole(connection.id, now_ms_);
}

void IoThread::leave(Connection& connection) {
  if (connection.leaving || stopping_) return;
  connection.leaving = true;
  leaving_.push_back(connections_[connection.index]);
}

// Another list of this thread names it, or a disk thread will.
bool IoThread::movable(const Connection& connection) const {
  return !connection.dead && !connection.runnable && !connection.cold && !connection.lingering && !(connection.paused & Connection::PausedByMemory);
}

// Behind flush_rows(): frames that the next owner receives come after those that were received here.
void IoThread::let_go() {
  for (const std::shared_ptr<Connection>& connection : leaving_) {
    if (stopping_ || !movable(*connection)) {
      if (!connection->dead) flush(*connection);
      connection->leaving = false;
      continue;
    }
    connection->leaving = false;
    IoThread& target = at_home() || retiring_ ? server_.least_loaded() : *server_.home();
    target.load.fetch_add(1, std::memory_order_relaxed);
    detach(*connection);
    if (at_home()) server_.crowd().left(connection->id);
    connection->want_write = false;
    connection->adopted = false;
    connection->inbox.store(&target.inbox());
    target.inbox().post({Command::Kind::Adopt, connection->id, 1, connection});
  }
  leaving_.clear();
}

void IoThread::retire() {
  {
    std::lock_guard lock(life_);
    if (retiring_.exchange(true)) return;
  }
  inbox_->post({Command::Kind::Leave});
}

void IoThread::stay() {
  {
    std::lock_guard lock(life_);
    retiring_ = false;
    if (!ended_) return;
  }
  join();
  ended_ = false;
  inbox_->reopen();
  start();
}

// As far as it can be given away; what cannot is looked at again soon. A lent socket is given back by whom it was lent to.
void IoThread::give_away() {
  for (; !listeners_.empty(); listeners_.pop_back()) {
    const std::shared_ptr<Listener>& listener = listeners_.back();
    arm(*listener, false);
    listener->resume_ms = 0;
    listener->wants_slot = false;
    server_.first().inbox().post({Command::Kind::Listen, 0, 0, nullptr, listener});
    listener->thread.store(0);  // behind it, so that no Unlisten gets there before
  }
  for (const std::shared_ptr<Connection>& connection : connections_)
    if (!connection->returned && movable(*connection)) leave(*connection);
}

// True: it has ended. Whatever is still on its way to it goes to the first thread.
bool IoThread::retired() {
  if (!connections_.empty()) return false;
  std::lock_guard lock(life_);
  if (!retiring_) return false;
  if (!inbox_->hand_over(server_.first().inbox())) return false;
  server_.pool().close_writer(writer_);
  ended_ = true;
  return true;
}

// What commands may have said while it was on its way.
void IoThread::look(Connection& connection) {
  if (connection.closing()) return close(connection, CloseReason::Local);
  if (connection.pause_wanted.load()) pause(connection, Connection::PausedByCaller);
  else unpause(connection, Connection::PausedByCaller);
  reconsider(connection);
  flush(connection);
}

}  // namespace sluice
