#include "io_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io_thread.h"
#include "socket_options.h"

namespace sluice {

namespace {

IoOptions within_limits(IoOptions options) {
  options.threads = std::max(1u, options.threads);
  return options;
}

}  // namespace

Listener::~Listener() { ::close(fd); }

IoServer::IoServer(const IoOptions& options, EventChannel& events, std::shared_ptr<SlabPool> pool, DiskQueue& disk,
                   std::shared_ptr<StandingPlaces> places)
    : options_(within_limits(options)),
      events_(events),
      pool_(std::move(pool)),
      disk_(disk),
      places_(std::move(places)),
      lent_meter_(std::make_shared<ListenerMeter>(std::max(options_.threads, kMostIoThreads))),
      most_(std::min(options.max_connections, ConnectionTable::kMost)),
      most_per_address_(options.max_connections_per_address) {
  threads_.resize(std::max(options_.threads, kMostIoThreads));
  if (options_.home) home_ = std::make_unique<IoThread>(*this, static_cast<unsigned>(threads_.size()));
  home_going_ = home_ != nullptr;
  pool_->on_room([this] { post_all(Command::Kind::Room); });
  start_threads(options_.threads);
}

void IoServer::start_threads(unsigned threads) {
  const unsigned before = started_.load();
  for (unsigned i = before; i < threads; i++) threads_[i] = std::make_unique<IoThread>(*this, i);
  started_.store(std::max(before, threads));
  for (unsigned i = 0; i < std::min(before, threads); i++) threads_[i]->stay();
  used_.store(threads);
  for (unsigned i = before; i < threads; i++) threads_[i]->start();
  for (unsigned i = threads; i < before; i++) threads_[i]->retire();
}

void IoServer::took_over(const Inbox* inbox, IoThread& by) {
  for (unsigned i = 0, end = started_.load(); i < end; i++)
    if (&threads_[i]->inbox() == inbox) threads_[i]->load.fetch_sub(1, std::memory_order_relaxed);
  by.load.fetch_add(1, std::memory_order_relaxed);
}

void IoServer::use_threads(unsigned threads) {
  if (!stopping_) start_threads(std::clamp(threads, 1u, static_cast<unsigned>(threads_.size())));
}

IoServer::~IoServer() {
  if (!stopping_) stop(0, [] {});
  join();
  pool_->on_room({});
}

int IoServer::listen(const std::string& host, std::uint16_t port, int backlog, double& id, std::uint16_t& bound_port) {
  sockaddr_storage address;
  socklen_t length;
  if (!parse_address(host, port, address, length)) return -EINVAL;
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  auto listener = std::make_shared<Listener>(next_listener_, fd, static_cast<unsigned>(listeners_.size() % used_.load()),
                                             std::make_shared<ListenerMeter>(threads_.size()));
  set_listener_options(fd, address.ss_family, host, options_);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(fd, backlog) != 0) return -errno;
  length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -errno;
  bound_port = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                                   : reinterpret_cast<sockaddr_in&>(address).sin_port);
  id = next_listener_++;
  listeners_[id] = listener;
  meters_[id] = listener->meter;
  threads_[listener->thread.load()]->inbox().post({Command::Kind::Listen, 0, 0, nullptr, listener});
  return 0;
}

bool IoServer::unlisten(double id) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return false;
  const std::shared_ptr<Listener> listener = std::move(found->second);
  listeners_.erase(found);
  ::shutdown(listener->fd, SHUT_RD);  // leaves the LISTEN state now; the thread closes it
  listener->closed = true;
  threads_[listener->thread.load()]->inbox().post({Command::Kind::Unlisten, 0, 0, nullptr, listener});
  return true;
}

std::int64_t IoServer::send(std::uint64_t id, const std::uint8_t* bytes, std::size_t length, std::vector<RegionPart> parts) {
  const std::shared_ptr<Connection> connection = table_.find(id);
  return connection ? connection->send(inline_context_, settings_, inline_most(*connection), bytes, length, std::move(parts)) : -1;
}

void IoServer::stand(std::uint64_t id, std::vector<std::uint8_t> request, std::vector<std::uint8_t> answer, std::size_t place, double stamp) {
  const auto fits = [](std::size_t length) { return length >= StandingAnswer::kLeast && length <= StandingAnswer::kMost; };
  const std::shared_ptr<Connection> connection = table_.find(id);
  if (!connection || !places_ || !home_ || !home_->owns(*connection) || !fits(request.size()) || !fits(answer.size())) return;
  connection->standing = std::make_unique<StandingAnswer>(std::move(request), std::move(answer), place, stamp);
}

bool IoServer::answered(Connection& connection, const std::uint8_t* request, std::size_t length, std::int64_t now_ms) {
  StandingAnswer* standing = connection.standing.get();
  if (!standing) return false;
  if (!standing->holds(*places_)) {
    connection.standing.reset();
    return false;
  }
  // Behind a request that waits it would overtake the answer of that one.
  if (connection.awaiting.load(std::memory_order_relaxed) != 0 || !standing->is_asked_by(request, length)) return false;
  places_->heard(standing->place(), now_ms);
  connection.awaiting.fetch_add(1, std::memory_order_relaxed);
  connection.counters->add(Counter::FramesReceived, 1);
  connection.counters->add(Counter::StandingAnswers, 1);
  const std::vector<std::uint8_t>& answer = standing->to(request);
  connection.send(inline_context_, settings_, settings_.inline_below.load(std::memory_order_relaxed), answer.data(), answer.size(), {});
  return true;
}

// What leaves at once, on this thread.
std::uint64_t IoServer::inline_most(const Connection& connection) {
  const std::uint64_t below = settings_.inline_below.load(std::memory_order_relaxed);
  const bool sole = below > 0 && home_ && home_->owns(connection) && crowd_.sole(connection.id, monotonic_ms());
  return sole ? UINT64_MAX : below;
}

bool IoServer::room_at_home(std::int64_t ms, std::int64_t now_ms) const {
  std::int64_t others = -1;
  for (unsigned i = 0, end = started_.load(); i < end; i++) others += threads_[i]->load.load(std::memory_order_relaxed);
  return others == 0 && settings_.inline_below.load(std::memory_order_relaxed) > 0 && crowd_.quiet(ms, now_ms);
}

std::int64_t IoServer::lend(int fd, std::vector<RegionPart> parts, std::function<void(int, std::int64_t)> returned) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return -errno;
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || !(flags & O_NONBLOCK)) return -EINVAL;
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return -errno;
  const std::uint64_t id = table_.reserve();
  IoThread& target = least_loaded();
  target.load.fetch_add(1, std::memory_order_relaxed);
  auto connection = std::make_shared<Connection>(id, 0, lent_transport(own), peer, target.shared_inbox(), options_, lent_meter_);
  connection->returned = std::move(returned);
  connection->paused = Connection::PausedByCaller;
  connection->pause_wanted.store(true);
  table_.set(id, connection);
  target.inbox().post({Command::Kind::Adopt, id, 0, connection});
  connection->send(inline_context_, settings_, 0, nullptr, 0, std::move(parts));
  return static_cast<std::int64_t>(id);
}

bool IoServer::close(std::uint64_t id, bool after_send) {
  const std::shared_ptr<Connection> connection = table_.find(id);
  if (!connection) return false;
  if (after_send) return connection->close_after_send();
  if (!connection->begin_close()) return false;
  connection->inbox.load()->post({Command::Kind::Close, id, static_cast<std::int64_t>(CloseReason::Local)});
  return true;
}

void IoServer::pause(std::uint64_t id, bool paused) {
  const std::shared_ptr<Connection> connection = table_.find(id);
  if (!connection) return;
  connection->pause_wanted.store(paused);
  connection->inbox.load()->post({Command::Kind::Repause, id});
}

void IoServer::counters(double* into) const {
  std::fill_n(into, kCounters, 0.0);
  for (const auto& [id, meter] : meters_) meter->add_to(into);
  lent_meter_->add_to(into);
  into[static_cast<unsigned>(Counter::FrameMemoryBytes)] = static_cast<double>(pool_->charged());
}

bool IoServer::counters(double listener, double* into) const {
  const auto found = meters_.find(listener);
  if (found == meters_.end()) return false;
  std::fill_n(into, kCounters, 0.0);
  found->second->add_to(into);
  return true;
}

void IoServer::stop(std::int64_t grace_ms, std::function<void()> done) {
  if (stopping_) return;
  stopping_ = true;
  for (const auto& [id, listener] : listeners_) ::shutdown(listener->fd, SHUT_RD);
  listeners_.clear();
  post_all(Command::Kind::Stop, grace_ms);
  stopper_ = std::thread([this, done = std::move(done)] {
    for (unsigned i = 0, end = started_.load(); i < end; i++) threads_[i]->join();
    wait_for_home();
    done();
  });
}

void IoServer::join() {
  while (home_going_) turn(1);
  if (stopper_.joinable()) stopper_.join();
}

int IoServer::home_fd() const { return home_ ? home_->epoll_fd() : -1; }

// Only the caller's thread changes home_going_.
int IoServer::turn(int timeout_ms) {
  if (!home_going_) return -1;
  if (home_->round(timeout_ms)) return home_->wait_ms();
  std::lock_guard lock(home_mutex_);
  home_going_ = false;
  home_ended_.notify_all();
  return -1;
}

void IoServer::wait_for_home() {
  std::unique_lock lock(home_mutex_);
  home_ended_.wait(lock, [this] { return !home_going_; });
}

void IoServer::post_all(Command::Kind kind, std::int64_t value) {
  for (unsigned i = 0, end = started_.load(); i < end; i++) threads_[i]->inbox().post({kind, 0, value});
  if (home_) home_->inbox().post({kind, 0, value});
}

void IoServer::limit(std::int64_t connections, std::int64_t per_address) {
  {
    std::lock_guard lock(address_mutex_);
    most_per_address_ = per_address;
  }
  most_.store(std::min(connections, ConnectionTable::kMost));
  if (place_wanted_.exchange(false)) post_all(Command::Kind::AcceptAgain);
}

void IoServer::limit_addresses(std::unordered_map<std::string, std::int64_t> most) {
  std::lock_guard lock(address_mutex_);
  most_of_address_ = std::move(most);
}

bool IoServer::take_place() {
  if (open_.fetch_add(1) < most_.load()) return true;
  place_wanted_.store(true);
  if (open_.fetch_sub(1) - 1 < most_.load() && place_wanted_.exchange(false)) return take_place();
  return false;
}

void IoServer::give_place() {
  open_.fetch_sub(1);
  if (place_wanted_.load() && place_wanted_.exchange(false)) post_all(Command::Kind::AcceptAgain);
}

bool IoServer::admit_address(const std::string& key) {
  std::lock_guard lock(address_mutex_);
  const auto own = most_of_address_.find(key);
  std::int64_t& count = addresses_[key];
  if (count >= (own == most_of_address_.end() ? most_per_address_ : own->second)) {
    if (count == 0) addresses_.erase(key);
    return false;
  }
  count++;
  return true;
}

void IoServer::drop_address(const std::string& key) {
  std::lock_guard lock(address_mutex_);
  const auto found = addresses_.find(key);
  if (found != addresses_.end() && --found->second == 0) addresses_.erase(found);
}

IoThread& IoServer::least_loaded() {
  IoThread* best = threads_[0].get();
  for (unsigned i = 1, end = used_.load(); i < end; i++)
    if (threads_[i]->load.load(std::memory_order_relaxed) < best->load.load(std::memory_order_relaxed)) best = threads_[i].get();
  return *best;
}

void IoServer::relieve(std::int64_t now_ms, std::int64_t stall_ms) {
  std::lock_guard lock(relief_mutex_);
  if (now_ms - relieved_ms_ < stall_ms) return;
  std::shared_ptr<Connection> longest;
  std::int64_t since = INT64_MAX;
  for (auto& connection : table_.all()) {
    const std::int64_t partial = connection->partial_ms.load(std::memory_order_relaxed);
    if (partial == 0 || partial >= since) continue;
    since = partial;
    longest = connection;
  }
  if (!longest) return;
  relieved_ms_ = now_ms;
  longest->inbox.load()->post({Command::Kind::Close, longest->id, static_cast<std::int64_t>(CloseReason::MemoryPressure)});
}

}  // namespace sluice
