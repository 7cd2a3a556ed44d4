// Which thread a connection lives on.
//
// A hop from an I/O thread to the JavaScript thread costs more than reading a small request there. So connections live at home, on the JavaScript thread,
// as long as their requests are small and their responses leave at once; one that sends large frames, or takes more than an inline attempt gives, is
// handed to an I/O thread, and comes back when that has been over for a while.
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
  if (connection.large.exchange(false)) connection.heavy_ms = now_ms_;
  else if (now_ms_ - connection.heavy_ms > kLightAfterMs) leave(connection);
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
    connection->leaving = false;
    if (stopping_ || !movable(*connection)) {
      if (!connection->dead) flush(*connection);
      continue;
    }
    IoThread& target = at_home() ? server_.least_loaded() : *server_.home();
    target.load.fetch_add(1, std::memory_order_relaxed);
    detach(*connection);
    connection->want_write = false;
    connection->adopted = false;
    connection->inbox.store(&target.inbox());
    target.inbox().post({Command::Kind::Adopt, connection->id, 1, connection});
  }
  leaving_.clear();
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
