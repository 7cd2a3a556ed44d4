#include "io_thread.h"

#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "socket_options.h"

namespace sluice {

namespace {

constexpr int kEventsPerRound = 256;
constexpr int kAcceptsPerRound = 64;
constexpr std::int64_t kMemoryStallMs = 1000;
constexpr std::int64_t kAcceptPauseMs = 100;
constexpr std::int64_t kAcceptReportMs = 1000;
// What could not be given away is looked at again so much later.
constexpr int kRetryMs = 20;
// A request that never gets a response keeps its connection from being idle for so many times max_idle_ms.
constexpr std::int64_t kForgottenFactor = 10;

// The lowest bit of an event's pointer tells a listener; null is the inbox.
constexpr std::uint64_t kListenerBit = 1;

int make_epoll() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return fd;
}

}  // namespace

IoThread::IoThread(IoServer& server, unsigned number)
    : server_(server), number_(number), inbox_(std::make_shared<Inbox>()), epoll_(make_epoll()), now_ms_(monotonic_ms()) {
  epoll_event event{EPOLLIN, {.u64 = 0}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, inbox_->event_fd(), &event) != 0) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

IoThread::~IoThread() {
  join();
  ::close(epoll_);
}

void IoThread::start() {
  // Signals belong to the main thread; SIGPIPE of sendfile must not end the process.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), ("sluice-io-" + std::to_string(number_)).c_str());
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

void IoThread::run() {
  while (round(wait_ms())) {
  }
}

bool IoThread::round(int timeout_ms) {
  epoll_event events[kEventsPerRound];
  const int count = epoll_wait(epoll_, events, kEventsPerRound, timeout_ms);
  now_ms_ = monotonic_ms();
  for (int i = 0; i < count; i++) {
    const std::uint64_t data = events[i].data.u64;
    const std::uint32_t happened = events[i].events;
    if (data == 0) {
      inbox_->take(commands_);
      for (Command& command : commands_) obey(command);
      commands_.clear();
    } else if (data & kListenerBit) {
      accept(*reinterpret_cast<Listener*>(data & ~kListenerBit));
    } else {
      Connection& connection = *reinterpret_cast<Connection*>(data);
      if (!connection.dead && (happened & EPOLLIN)) readable(connection);
      else if (!connection.dead && (happened & (EPOLLERR | EPOLLHUP))) close(connection, CloseReason::Reset);
      if (!connection.dead && (happened & EPOLLOUT)) flush(connection);
    }
  }
  if (!runnable_.empty()) {
    std::vector<std::shared_ptr<Connection>> turn;
    turn.swap(runnable_);
    for (const auto& connection : turn) {
      connection->runnable = false;
      if (!connection->dead) flush(*connection);
    }
  }
  if (now_ms_ >= next_sweep_ms_) sweep();
  const bool going = !stopping_ || stop_round();
  if (retiring_ && !stopping_) give_away();
  flush_rows();
  let_go();
  graveyard_.clear();
  listener_graveyard_.clear();
  if (retiring_ && !stopping_ && retired()) return false;
  if (going) return true;
  inbox_->close();
  server_.pool().close_writer(writer_);
  return false;
}

int IoThread::wait_ms() const {
  if (!runnable_.empty()) return 0;
  if (stopping_) return 5;
  if (retiring_) return kRetryMs;
  if (next_sweep_ms_ == INT64_MAX) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(next_sweep_ms_ - now_ms_, 0, 60'000));
}

void IoThread::flush_rows() {
  if (rows_.empty()) return;
  if (at_home()) server_.events().add(rows_.data(), rows_.size());
  else server_.events().push(rows_.data(), rows_.size());
  rows_.clear();
}

void IoThread::obey(Command& command) {
  using Kind = Command::Kind;
  switch (command.kind) {
    case Kind::Adopt:
      return adopt(std::move(command.connection), command.value != 0);
    case Kind::Listen:
      if (stopping_) return;
      command.listener->thread.store(number_);
      if (command.listener->closed) return;
      listeners_.push_back(command.listener);
      return arm(*command.listener, true);
    case Kind::Unlisten:
      // Behind the listener itself, if that has gone there.
      if (command.listener->thread.load() != number_) return server_.first().inbox().post(std::move(command));
      return forget(*command.listener);
    case Kind::AcceptAgain:
      for (const auto& listener : listeners_) {
        if (!listener->wants_slot) continue;
        listener->wants_slot = false;
        arm(*listener, true);
      }
      return;
    case Kind::Room:
      return room();
    case Kind::Leave:
      return;
    case Kind::Stop:
      return begin_stop(command.value);
    default:
      break;
  }
  const std::shared_ptr<Connection> connection = server_.table().find(command.id);
  if (!connection) return;
  if (!owns(*connection)) return connection->inbox.load()->post(std::move(command));
  if (!connection->adopted || connection->dead) return;
  switch (command.kind) {
    case Kind::Kick:
      if (connection->large.exchange(false)) heavy(*connection);
      return connection->leaving ? void() : flush(*connection);
    case Kind::Reconsider:
      return reconsider(*connection);
    case Kind::Close:
      // What was chosen as the longest-stalled may have moved on since.
      if (command.value == static_cast<int>(CloseReason::MemoryPressure) && connection->partial_ms.load() == 0) return;
      return close(*connection, static_cast<CloseReason>(command.value));
    case Kind::Repause:
      return connection->pause_wanted.load() ? pause(*connection, Connection::PausedByCaller) : unpause(*connection, Connection::PausedByCaller);
    case Kind::Warm:
      return warmed(*connection);
    default:
      return;
  }
}

// ---------------------------------------------------------------- accepting

void IoThread::arm(Listener& listener, bool on) {
  if (listener.armed == on) return;
  epoll_event event{EPOLLIN, {.u64 = reinterpret_cast<std::uint64_t>(&listener) | kListenerBit}};
  epoll_ctl(epoll_, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener.fd, &event);
  listener.armed = on;
}

void IoThread::forget(Listener& listener) {
  arm(listener, false);
  const auto found = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& each) { return each.get() == &listener; });
  if (found == listeners_.end()) return;
  listener_graveyard_.push_back(std::move(*found));
  listeners_.erase(found);
}

void IoThread::accept(Listener& listener) {
  if (!listener.armed) return;
  for (int i = 0; i < kAcceptsPerRound; i++) {
    if (!server_.take_place()) {
      listener.wants_slot = true;
      return arm(listener, false);
    }
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int fd = accept4(listener.fd, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(listener, fd, peer);
      continue;
    }
    const int error = errno;
    server_.give_place();
    if (error == EAGAIN || error == EINVAL) return;  // EINVAL: unlisten() has shut it down
    if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS) continue;  // that one peer's trouble
    listener.resume_ms = now_ms_ + kAcceptPauseMs;
    next_sweep_ms_ = std::min(next_sweep_ms_, listener.resume_ms);
    arm(listener, false);
    if (now_ms_ - listener.reported_ms >= kAcceptReportMs) {
      listener.reported_ms = now_ms_;
      rows_.push_back({static_cast<double>(EventKind::AcceptFailed), listener.id, static_cast<double>(error), 0, 0, 0});
    }
    return;
  }
}

void IoThread::admit(Listener& listener, int fd, const sockaddr_storage& peer) {
  listener.meter->of_io_thread(number_).add(Counter::ConnectionsAccepted, 1);
  const std::uint64_t id = server_.table().reserve();
  if (!server_.admit_address(address_key(peer))) {
    ::close(fd);
    server_.table().erase(id);
    server_.give_place();
    rows_.push_back({static_cast<double>(EventKind::ConnectionClosed), static_cast<double>(id),
                     static_cast<double>(CloseReason::TooManyFromAddress), 0, 0, 0});
    return;
  }
  set_peer_options(fd, peer);
  IoThread& target = server_.first_owner();
  target.load.fetch_add(1, std::memory_order_relaxed);
  auto connection = std::make_shared<Connection>(id, listener.id, plain_transport(fd), peer, target.shared_inbox(), server_.options(),
                                                 listener.meter);
  server_.table().set(id, connection);
  if (&target == this) adopt(std::move(connection), false);
  else target.inbox().post({Command::Kind::Adopt, id, 0, std::move(connection)});
}

void IoThread::adopt(std::shared_ptr<Connection> connection, bool moved) {
  Connection& adopted = *connection;
  const Inbox* meant = adopted.inbox.load();
  if (meant != inbox_.get()) {
    server_.took_over(meant, *this);
    adopted.inbox.store(inbox_.get());
  }
  adopted.adopted = true;
  adopted.moved_ms = now_ms_;
  adopted.index = connections_.size();
  connections_.push_back(std::move(connection));
  adopted.counters = &adopted.meter->of_io_thread(number_);
  adopted.counters->add(Counter::ConnectionsOpen, 1);
  if (!moved && !adopted.returned) rows_.push_back({static_cast<double>(EventKind::ConnectionOpened), static_cast<double>(adopted.id), adopted.listener, 0, 0, 0});
  adopted.armed = adopted.paused == 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0u;
  epoll_event event{adopted.armed, {.u64 = reinterpret_cast<std::uint64_t>(&adopted)}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, adopted.transport->fd(), &event) != 0) return close(adopted, CloseReason::Reset);
  if (stopping_) pause(adopted, Connection::PausedForEnd);
  if (moved || meant != inbox_.get()) look(adopted);
  if (server_.options().max_idle_ms > 0) next_sweep_ms_ = std::min(next_sweep_ms_, now_ms_ + sweep_interval_ms());
}

// ---------------------------------------------------------------- both directions

void IoThread::interest(Connection& connection) {
  const std::uint32_t wanted = (connection.paused == 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0u) |
                               (connection.want_write ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
  if (wanted == connection.armed) return;
  connection.armed = wanted;
  epoll_event event{wanted, {.u64 = reinterpret_cast<std::uint64_t>(&connection)}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.transport->fd(), &event);
}

void IoThread::close(Connection& connection, CloseReason reason) {
  if (connection.dead) return;
  connection.dead = true;
  if (connection.cold) connection.cold->wanted.store(false, std::memory_order_relaxed);
  connection.drop_queue();
  connection.transport->shutdown_both();
  server_.pool().abandon(connection.space);
  connection.partial_ms.store(0, std::memory_order_relaxed);
  if (connection.lingering) lingering_--;
  if (connection.returned) return give_back(connection, reason);
  rows_.push_back({static_cast<double>(EventKind::ConnectionClosed), static_cast<double>(connection.id), static_cast<double>(reason),
                   static_cast<double>(connection.bytes_received.load()), static_cast<double>(connection.bytes_sent.load()), 0});
  server_.table().erase(connection.id);
  server_.drop_address(address_key(connection.peer));
  detach(connection);
  server_.give_place();
}

// A lent socket is its owner's again, whatever became of it.
void IoThread::give_back(Connection& connection, CloseReason reason) {
  server_.table().erase(connection.id);
  int status = 0;
  if (connection.unsent.load() > 0) {
    if (reason == CloseReason::TransferFailed) status = -EIO;
    else status = reason == CloseReason::Local ? -ECANCELED : -ECONNRESET;
  }
  connection.returned(status, connection.bytes_sent.load());
  detach(connection);
}

// Out of the loop and the list; the graveyard keeps it until no event of this round can name it.
void IoThread::detach(Connection& connection) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.transport->fd(), nullptr);
  connection.counters->add(Counter::ConnectionsOpen, -1);
  load.fetch_sub(1, std::memory_order_relaxed);
  graveyard_.push_back(std::move(connections_[connection.index]));
  if (connection.index + 1 < connections_.size()) {
    connections_[connection.index] = std::move(connections_.back());
    connections_[connection.index]->index = connection.index;
  }
  connections_.pop_back();
}

std::int64_t IoThread::sweep_interval_ms() const { return std::clamp<std::int64_t>(server_.options().max_idle_ms / 8, 10, 5000); }

bool IoThread::idle(const Connection& connection) const {
  const std::int64_t limit = server_.options().max_idle_ms;
  if (limit <= 0) return false;
  if (connection.unsent.load(std::memory_order_relaxed) > 0)
    return !connection.cold && now_ms_ - connection.sent_ms.load(std::memory_order_relaxed) > limit;
  const std::int64_t quiet = now_ms_ - connection.active_ms.load(std::memory_order_relaxed);
  if (quiet <= limit || connection.paused != 0 || !connection.flow->empty()) return false;
  return connection.awaiting.load(std::memory_order_relaxed) <= 0 || quiet > limit * kForgottenFactor;
}

void IoThread::sweep() {
  for (std::size_t i = connections_.size(); i-- > 0;) {
    Connection& connection = *connections_[i];
    if (connection.lingering && now_ms_ >= connection.linger_until_ms) close(connection, CloseReason::Local);
    else if (!connection.lingering && idle(connection)) close(connection, CloseReason::Idle);
  }
  next_sweep_ms_ = INT64_MAX;
  if (server_.options().max_idle_ms > 0 && !connections_.empty()) next_sweep_ms_ = now_ms_ + sweep_interval_ms();
  if (lingering_ > 0) next_sweep_ms_ = std::min(next_sweep_ms_, now_ms_ + 100);
  retry_lane();
  for (const auto& listener : listeners_) {
    if (listener->resume_ms == 0) continue;
    if (now_ms_ >= listener->resume_ms) {
      listener->resume_ms = 0;
      arm(*listener, true);
    } else {
      next_sweep_ms_ = std::min(next_sweep_ms_, listener->resume_ms);
    }
  }
  if (!memory_waiting_.empty()) {
    next_sweep_ms_ = std::min(next_sweep_ms_, now_ms_ + 50);
    if (!server_.pool().full(true)) {
      room();
    } else if (now_ms_ - memory_since_ms_ >= kMemoryStallMs) {
      server_.relieve(now_ms_, kMemoryStallMs);
      memory_since_ms_ = now_ms_;
    }
  }
}

void IoThread::begin_stop(std::int64_t grace_ms) {
  stopping_ = true;
  stop_deadline_ms_ = now_ms_ + std::max<std::int64_t>(grace_ms, 0);
  while (!listeners_.empty()) forget(*listeners_.back());
  for (const auto& connection : connections_) pause(*connection, Connection::PausedForEnd);
}

// Closes those that have nothing more to send and whose peer has acknowledged all: closing a socket with unread input resets it, and a reset may
// overtake the last response. False: none is left.
bool IoThread::stop_round() {
  for (std::size_t i = connections_.size(); i-- > 0;) {
    Connection& connection = *connections_[i];
    int unacknowledged = 0;
    const bool done = connection.drained() && (ioctl(connection.transport->fd(), SIOCOUTQ, &unacknowledged) != 0 || unacknowledged == 0);
    if (done || now_ms_ >= stop_deadline_ms_) close(connection, CloseReason::Local);
  }
  return !connections_.empty();
}

}  // namespace sluice
