// load latency: single records, timed until they are acknowledged and until a fetch that waits for them has them.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <cstdio>
#include <deque>
#include <iostream>
#include <memory>

#include "batch.h"
#include "client.h"
#include "commands.h"
#include "engine.h"
#include "fetch_request.h"
#include "produce_request.h"

namespace load {
namespace {

constexpr std::int32_t kFetchWaitMs = 5000;
constexpr Nanoseconds kPatience = 30 * kSecond;

// Cuts whole answers out of what arrives; for answers that are small enough to be kept.
class AnswerStream {
 public:
  explicit AnswerStream(const std::string& address) : socket_(connect_to(address)), address_(address) {}

  int socket() const { return socket_.get(); }

  void send(std::span<const View> parts) {
    for (View part : parts) {
      const int more = part.data() == parts.back().data() ? 0 : MSG_MORE;
      while (!part.empty()) {
        const ssize_t sent = ::send(socket_.get(), part.data(), part.size(), MSG_NOSIGNAL | more);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) fail_errno(address_);
        part = part.subspan(static_cast<std::size_t>(sent));
      }
    }
  }

  // Calls `whole` with what follows the correlation id of each answer that is there.
  template <typename Whole>
  void receive(Whole whole) {
    std::array<std::uint8_t, 64 * 1024> chunk;
    const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got < 0) fail_errno(address_);
    if (got == 0) fail(address_ + " closed the connection");
    received_.insert(received_.end(), chunk.begin(), chunk.begin() + got);
    std::size_t at = 0;
    while (received_.size() - at >= 8) {
      const std::size_t size = 4 + std::size_t{load_be<std::uint32_t>(received_.data() + at)};
      if (size < 8) fail(address_ + " answers with " + std::to_string(size) + " bytes: is it a Kafka broker?");
      if (received_.size() - at < size) break;
      whole(View{received_.data() + at + 8, size - 8});
      at += size;
    }
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(at));
  }

 private:
  FileDescriptor socket_;
  std::string address_;
  Bytes received_;
};

struct LatencyOptions {
  std::int16_t acks = 1;
  std::uint64_t samples = 0;
  std::uint64_t warmup = 0;
  double rate = 0;
};

class LatencyRun {
 public:
  LatencyRun(const Topic& topic, const LatencyOptions& options, const Batch& batch)
      : topic_(topic),
        options_(options),
        batch_(batch),
        produce_(make_produce_head(topic.name, options.acks, batch)),
        fetch_(make_fetch(topic, 0, {12, 1 << 20, kFetchWaitMs})),
        writer_(topic.leaders[0]),
        reader_(topic.leaders[0]),
        timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (timer_.get() < 0) fail_errno("timerfd_create");
    next_offset_ = Client(topic.leaders[0]).offset(topic.name, 0, -1);
  }

  void run() {
    ask();
    // So that the first fetch waits before the first record comes.
    start_ = now() + 5 * kMillisecond;
    last_progress_ = start_;
    set_timer(start_);
    while (arrived_ < total() || !unacknowledged_.empty()) turn();
  }

  Histogram end_to_end;
  Histogram acknowledged;
  Histogram lateness;
  Nanoseconds measured_from = 0;
  CpuTime cpu_before;
  Nanoseconds last_arrival = 0;

 private:
  std::uint64_t total() const { return options_.warmup + options_.samples; }
  bool open_loop() const { return options_.rate > 0; }
  bool counts(std::uint64_t sample) const { return sample >= options_.warmup; }

  // The intended start of a record of the open loop.
  Nanoseconds due(std::uint64_t sample) const { return start_ + static_cast<Nanoseconds>(static_cast<double>(sample) * 1e9 / options_.rate); }

  void turn() {
    std::array<pollfd, 3> waited = {{{writer_.socket(), POLLIN, 0}, {reader_.socket(), POLLIN, 0}, {timer_.get(), POLLIN, 0}}};
    if (poll(waited.data(), waited.size(), 1000) < 0 && errno != EINTR) fail_errno("poll");
    if (waited[1].revents != 0) reader_.receive([&](View answer) { take_records(answer); });
    if (waited[0].revents != 0) writer_.receive([&](View answer) { take_acknowledgement(answer); });
    if (waited[2].revents != 0) {
      std::uint64_t expirations;
      if (read(timer_.get(), &expirations, sizeof expirations) < 0 && errno != EAGAIN) fail_errno("timerfd");
      if (open_loop()) {
        send_due();
      } else {
        send_record(now());
      }
    }
    if (now() - last_progress_ > kPatience) fail(topic_.leaders[0] + ": no record arrived within " + std::to_string(kPatience / kSecond) + " s");
  }

  void send_due() {
    while (sent_ < total() && due(sent_) <= now()) send_record(due(sent_));
    if (sent_ < total()) set_timer(due(sent_));
  }

  void send_record(Nanoseconds intended) {
    if (sent_ == options_.warmup) {
      measured_from = intended;
      cpu_before = cpu_time();
    }
    if (counts(sent_)) lateness.record(now() - intended);
    intended_.push_back(intended);
    if (options_.acks != 0) unacknowledged_.push_back(intended);
    sent_++;
    store_be(produce_.bytes.data() + kCorrelationAt, static_cast<std::uint32_t>(sent_));
    static constexpr std::array<std::uint8_t, kProduceTailBytes> kTail{};
    const std::array<View, 3> parts = {View{produce_.bytes}, View{batch_.bytes}, View{kTail}};
    writer_.send(parts);
  }

  void take_acknowledgement(View answer) {
    const Nanoseconds time = now();
    const Produced produced = read_produced(answer);
    if (produced.error != 0) fail(topic_.leaders[0] + ": Produce to " + topic_.name + ": " + error_name(produced.error));
    if (unacknowledged_.empty()) fail(topic_.leaders[0] + " answers what was not asked");
    if (counts(acknowledged_count_++)) acknowledged.record(time - unacknowledged_.front());
    unacknowledged_.pop_front();
    next_of_closed_loop(time);
  }

  // One record a batch and one producer: the offsets tell which records have come.
  void take_records(View answer) {
    const Nanoseconds time = now();
    const Fetched fetched = read_fetched(answer, 12);
    if (fetched.error != 0) fail(topic_.leaders[0] + ": Fetch of " + topic_.name + ": " + error_name(fetched.error));
    const Walked walked = walk_batches(fetched.records);
    if (walked.next_offset >= 0) {
      const std::int64_t count = walked.next_offset - next_offset_;
      if (count < 0 || static_cast<std::uint64_t>(count) > intended_.size()) fail(topic_.name + ": somebody else produces to it");
      next_offset_ = walked.next_offset;
      for (std::int64_t each = 0; each < count; each++) {
        if (counts(arrived_++)) end_to_end.record(time - intended_.front());
        intended_.pop_front();
      }
      last_progress_ = last_arrival = time;
    }
    ask();
    next_of_closed_loop(time);
  }

  void ask() {
    store_be(fetch_.bytes.data() + fetch_.offset_at, static_cast<std::uint64_t>(next_offset_));
    const std::array<View, 1> parts = {View{fetch_.bytes}};
    reader_.send(parts);
  }

  // The next record when the last one is known on both ways; a moment later, so that the fetch waits by then.
  void next_of_closed_loop(Nanoseconds time) {
    constexpr Nanoseconds kPause = kMillisecond / 2;
    if (!open_loop() && intended_.empty() && unacknowledged_.empty() && sent_ < total()) set_timer(time + kPause);
  }

  void set_timer(Nanoseconds at) {
    itimerspec when{};
    when.it_value.tv_sec = at / kSecond;
    when.it_value.tv_nsec = at % kSecond;
    if (timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) < 0) fail_errno("timerfd_settime");
  }

  const Topic& topic_;
  const LatencyOptions options_;
  const Batch& batch_;
  ProduceHead produce_;
  FetchFrame fetch_;
  AnswerStream writer_;
  AnswerStream reader_;
  FileDescriptor timer_;
  std::int64_t next_offset_ = 0;
  Nanoseconds start_ = 0;
  Nanoseconds last_progress_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t arrived_ = 0;
  std::uint64_t acknowledged_count_ = 0;
  std::deque<Nanoseconds> intended_;
  std::deque<Nanoseconds> unacknowledged_;
};

}  // namespace

void latency_command(Arguments& arguments) {
  const std::string bootstrap = arguments.text("bootstrap");
  const std::string name = arguments.text("topic");
  const auto partitions = static_cast<int>(arguments.number("partitions", 1, 1, 100'000));
  const auto record_bytes = static_cast<std::size_t>(arguments.number("record-bytes", 1024, 0, 900'000));
  LatencyOptions options;
  options.acks = static_cast<std::int16_t>(arguments.number("acks", 1, -1, 1));
  options.samples = static_cast<std::uint64_t>(arguments.number("samples", std::nullopt, 1, 100'000'000));
  options.warmup = static_cast<std::uint64_t>(arguments.number("warmup", 200, 0, 1'000'000));
  options.rate = arguments.real("rate", 1000, 0, 1e6);
  const bool wait = arguments.on("wait");
  arguments.end();

  Client client(bootstrap);
  client.require(Api::Produce, "Produce", 9);
  client.require(Api::Fetch, "Fetch", 12);
  const Topic topic = client.topic(name, partitions);
  const Batch batch = make_batch(1, record_bytes);
  LatencyRun latency(topic, options, batch);
  await_go(wait);
  latency.run();

  const double seconds = static_cast<double>(latency.last_arrival - latency.measured_from) / 1e9;
  char numbers[256];
  std::snprintf(numbers, sizeof numbers, "{\"bytes\":%llu,\"records\":%llu,\"requests\":%llu,\"seconds\":%.6f,\"errors\":0,",
                static_cast<unsigned long long>(options.samples * batch.bytes.size()), static_cast<unsigned long long>(options.samples),
                static_cast<unsigned long long>(options.samples), seconds);
  std::cout << numbers << cpu_json(cpu_time() - latency.cpu_before) << ",\"latency\":" << latency.end_to_end.json();
  if (options.acks != 0) std::cout << ",\"acknowledged\":" << latency.acknowledged.json();
  std::cout << ",\"lateness\":" << latency.lateness.json() << "}" << std::endl;
}

}  // namespace load
