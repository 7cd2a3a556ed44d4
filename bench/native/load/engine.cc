#include "engine.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

namespace load {
namespace {

// A broker that says nothing for so long is not waited for.
constexpr Nanoseconds kPatience = 30 * kSecond;
// How long an open loop waits for what it owes after its end.
constexpr Nanoseconds kDrainPatience = 10 * kSecond;
constexpr int kTurnMs = 250;
// Requests that one connection may begin before the others have their turn.
constexpr int kMostAtOnce = 64;

// What the engines of all threads share.
struct Shared {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<bool> failed{false};
};

class Engine {
 public:
  Engine(std::vector<Connection*> connections, const Schedule& schedule, double rate, Shared& shared)
      : connections_(std::move(connections)), schedule_(schedule), rate_(rate), shared_(shared), scratch_(std::make_unique<Scratch>()),
        writing_(connections_.size()), active_(connections_.size()) {}

  Tally run(Nanoseconds start) {
    start_ = start;
    end_ = schedule_.duration > 0 ? start + schedule_.duration : kNever;
    tally_.last_answer = start;
    epoll_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
    if (epoll_.get() < 0) fail_errno("epoll_create1");
    for (std::size_t at = 0; at < connections_.size(); at++) control(EPOLL_CTL_ADD, at, false);
    if (rate_ > 0) start_timer();
    for (std::size_t at = 0; at < connections_.size(); at++) pump(at);
    while (!done()) turn();
    for (Connection* each : connections_) {
      each->settle();
      if (!each->expects_answers()) tally_.last_answer = now();
      tally_.bytes += each->bytes;
      tally_.records += each->records;
      tally_.unanswered += each->under_way() + each->backlog.size();
    }
    return std::move(tally_);
  }

 private:
  static constexpr std::uint64_t kTimer = UINT64_MAX;
  // Far away, with room to add to it.
  static constexpr Nanoseconds kNever = INT64_MAX / 2;

  // A connection that has nothing under way could not begin anything either when it was last looked at.
  bool done() const {
    if (shared_.failed.load(std::memory_order_relaxed)) return true;
    if (rate_ > 0) return (intended_over_ && active_count_ == 0) || now() > end_ + kDrainPatience;
    return active_count_ == 0;
  }

  void turn() {
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), kTurnMs);
    if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
    if (count == 0 && active_count_ > 0 && now() - std::max(tally_.last_answer, start_) > kPatience) {
      fail(connections_.front()->address() + ": no answer within " + std::to_string(kPatience / kSecond) + " s");
    }
    for (int each = 0; each < count; each++) {
      const epoll_event& event = events[static_cast<std::size_t>(each)];
      if (event.data.u64 == kTimer) {
        tick();
        continue;
      }
      const std::size_t at = event.data.u64;
      if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(at);
      pump(at);
    }
    if (rate_ > 0) begin_due();
  }

  void receive(std::size_t at) {
    connections_[at]->receive(*scratch_, [&](Nanoseconds intended) {
      const Nanoseconds time = now();
      tally_.latency.record(time - intended);
      tally_.requests++;
      tally_.last_answer = time;
      // At once, so that the broker has work while further answers of the same read are counted.
      if (!connections_[at]->sending()) pump(at);
    });
  }

  // Sends as much as the rules allow and the socket takes.
  void pump(std::size_t at) {
    Connection& connection = *connections_[at];
    bool sent = connection.flush();
    bool more = true;
    int begun = 0;
    while (sent && connection.under_way() < schedule_.in_flight && begun < kMostAtOnce && (more = begin_next(connection))) {
      sent = connection.flush();
      begun++;
    }
    // Where no answers come, writability says when to go on; the other connections have their turn meanwhile.
    const bool wants_to_write = !sent || (begun == kMostAtOnce && more);
    set(writing_, at, wants_to_write, [&] { control(EPOLL_CTL_MOD, at, wants_to_write); });
    const bool active = connection.under_way() > 0 || connection.sending() || !connection.backlog.empty() || wants_to_write;
    set(active_, at, active, [&] { active_count_ += active ? 1 : -1; });
  }

  template <typename Changed>
  static void set(std::vector<bool>& flags, std::size_t at, bool value, Changed changed) {
    if (flags[at] == value) return;
    flags[at] = value;
    changed();
  }

  bool begin_next(Connection& connection) {
    const Nanoseconds time = now();
    Nanoseconds intended = time;
    if (rate_ > 0) {
      if (connection.backlog.empty()) return false;
      intended = connection.backlog.front();
      connection.backlog.pop_front();
      tally_.lateness.record(time - intended);
    } else if (time >= end_ || !connection.has_more() || !take_ticket()) {
      return false;
    }
    connection.begin(intended);
    if (!connection.expects_answers()) {
      tally_.requests++;
      tally_.last_answer = time;
    }
    return true;
  }

  bool take_ticket() {
    return shared_.begun.load(std::memory_order_relaxed) < schedule_.most_requests &&
           shared_.begun.fetch_add(1, std::memory_order_relaxed) < schedule_.most_requests;
  }

  void start_timer() {
    timer_ = FileDescriptor(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (timer_.get() < 0) fail_errno("timerfd_create");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kTimer;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &event) < 0) fail_errno("epoll_ctl");
    begin_due();
  }

  void tick() {
    std::uint64_t expirations;
    if (read(timer_.get(), &expirations, sizeof expirations) < 0 && errno != EAGAIN) fail_errno("timerfd");
  }

  Nanoseconds due(std::uint64_t request) const { return start_ + static_cast<Nanoseconds>(static_cast<double>(request) * 1e9 / rate_); }

  // Hands out every request whose time has come, in turn, and sets the timer for the next.
  void begin_due() {
    const Nanoseconds time = now();
    for (; !intended_over_ && due(intended_) <= time; intended_++) {
      if (due(intended_) >= end_ || !take_ticket()) {
        intended_over_ = true;
        break;
      }
      const std::size_t at = intended_ % connections_.size();
      connections_[at]->backlog.push_back(due(intended_));
      pump(at);
    }
    if (intended_over_) return;
    const Nanoseconds next = due(intended_);
    itimerspec when{};
    when.it_value.tv_sec = next / kSecond;
    when.it_value.tv_nsec = next % kSecond;
    if (timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) < 0) fail_errno("timerfd_settime");
  }

  void control(int operation, std::size_t at, bool writes) {
    epoll_event event{};
    event.events = EPOLLIN | (writes ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
    event.data.u64 = at;
    if (epoll_ctl(epoll_.get(), operation, connections_[at]->socket(), &event) < 0) fail_errno("epoll_ctl");
  }

  std::vector<Connection*> connections_;
  const Schedule& schedule_;
  const double rate_;  // this thread's share
  Shared& shared_;
  std::unique_ptr<Scratch> scratch_;
  FileDescriptor epoll_;
  FileDescriptor timer_;
  std::vector<bool> writing_;
  std::vector<bool> active_;
  std::int64_t active_count_ = 0;
  Tally tally_;
  Nanoseconds start_ = 0;
  Nanoseconds end_ = 0;
  std::uint64_t intended_ = 0;
  bool intended_over_ = false;
};

}  // namespace

void Tally::add(const Tally& other) {
  bytes += other.bytes;
  records += other.records;
  requests += other.requests;
  unanswered += other.unanswered;
  last_answer = std::max(last_answer, other.last_answer);
  latency.add(other.latency);
  lateness.add(other.lateness);
}

void await_go(bool wait) {
  if (!wait) return;
  std::cout << "{\"ready\":true}" << std::endl;
  std::string line;
  if (!std::getline(std::cin, line)) fail("nobody said go on standard input");
}

std::string cpu_json(const CpuTime& used) {
  char text[96];
  std::snprintf(text, sizeof text, "\"cpuUser\":%.6f,\"cpuSystem\":%.6f", used.user, used.system);
  return text;
}

Run run_traffic(Connections& connections, const Schedule& schedule, std::size_t threads) {
  threads = std::min(threads, connections.size());
  std::vector<std::vector<Connection*>> dealt(threads);
  for (std::size_t at = 0; at < connections.size(); at++) dealt[at % threads].push_back(connections[at].get());

  Shared shared;
  std::mutex mutex;
  std::exception_ptr error;
  Run run;
  const CpuTime before = cpu_time();
  const Nanoseconds start = now();
  const auto work = [&](std::size_t thread) {
    try {
      Engine engine(dealt[thread], schedule, schedule.rate / static_cast<double>(threads), shared);
      const Tally tally = engine.run(start);
      const std::lock_guard lock(mutex);
      run.tally.add(tally);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      shared.failed = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < threads; thread++) others.emplace_back(work, thread);
    work(0);
  }
  if (error) std::rethrow_exception(error);
  run.seconds = static_cast<double>(run.tally.last_answer - start) / 1e9;
  run.cpu = cpu_time() - before;
  return run;
}

void print_run(const Run& run) {
  const Tally& tally = run.tally;
  char numbers[256];
  std::snprintf(numbers, sizeof numbers, "{\"bytes\":%llu,\"records\":%llu,\"requests\":%llu,\"seconds\":%.6f,\"errors\":%llu,",
                static_cast<unsigned long long>(tally.bytes), static_cast<unsigned long long>(tally.records),
                static_cast<unsigned long long>(tally.requests), run.seconds, static_cast<unsigned long long>(tally.unanswered));
  std::cout << numbers << cpu_json(run.cpu) << ",\"latency\":" << tally.latency.json();
  if (tally.lateness.count() > 0) std::cout << ",\"lateness\":" << tally.lateness.json();
  std::cout << "}" << std::endl;
}

}  // namespace load
