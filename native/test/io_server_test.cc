// The network half without Node: this program's main thread plays the JavaScript thread.
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include <random>

#include "../socket_options.h"
#include "io_support.h"

using namespace sluice;

namespace {

std::vector<std::uint8_t> pattern(std::size_t length, unsigned seed) {
  std::vector<std::uint8_t> bytes(length);
  std::mt19937_64 random(seed);
  std::size_t done = 0;
  for (; done + 8 <= length; done += 8) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + done, &value, 8);
  }
  for (; done < length; done++) bytes[done] = static_cast<std::uint8_t>(random());
  return bytes;
}

int descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

// Frames of all sizes, cut anywhere, pipelined: they come back in order and whole.
void echo_cut_anywhere() {
  Broker broker;
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; i++) {
    clients.push_back(std::make_unique<Client>(broker.port));
    for (int f = 0; f < 60; f++) {
      const std::size_t sizes[] = {0, 1, random() % 50, random() % 5000, 65536, 65537, random() % 200'000};
      clients.back()->frame(pattern(sizes[random() % 7], random()));
    }
  }
  clients[0]->frame(pattern(9'000'000, 3));
  clients[0]->frame(pattern(3, 4));
  broker.drive([&] {
    bool done = true;
    for (auto& client : clients) {
      client->step(1 + random() % 30'000);
      done = done && client->input.size() >= client->output.size();
      CHECK(!client->ended);
    }
    return done;
  });
  for (auto& client : clients) CHECK(client->input == client->output);
  broker.drive([&] { return broker.pool->charged() == 0; });
}

// Every boundary inside the length prefix and a short body, byte by byte.
void echo_byte_by_byte() {
  Broker broker;
  Client client(broker.port);
  for (int i = 0; i < 5; i++) client.frame(pattern(static_cast<std::size_t>(i * 3), 1));
  broker.drive([&] {
    client.step(1);
    return client.input.size() == client.output.size();
  });
  CHECK(client.input == client.output);
}

// The sums that the meter promises, of the server, of its one listener, and of the one file that was sent.
void check_meter(Broker& broker, const TempFile& file) {
  double all[kCounters];
  double listener[kCounters];
  broker.io->counters(all);
  CHECK(broker.io->counters(broker.listener, listener));
  double unknown[kCounters];
  CHECK(!broker.io->counters(broker.listener + 1, unknown));
  const auto of = [&](Counter counter) { return all[static_cast<unsigned>(counter)]; };
  for (std::size_t i = 0; i < kCounters; i++)
    if (i != static_cast<unsigned>(Counter::FrameMemoryBytes)) CHECK_EQ(all[i], listener[i]);
  const double moved = of(Counter::SendfileBytes) + of(Counter::SpliceBytes) + of(Counter::MmapBytes) + of(Counter::ReadWriteBytes);
  const double known = of(Counter::ResidentBytes) + of(Counter::FreshBytes) + of(Counter::ReadInBytes);
  CHECK_EQ(of(Counter::BytesSent), of(Counter::HeaderBytes) + moved);
  CHECK_EQ(moved, known);
  for (unsigned i = kFirstOfLog; i < kCounters; i++) CHECK_EQ(all[i], static_cast<double>(file.meter->get(i - kFirstOfLog)));
}

// All paths give the same bytes: regions large and small, first, last, adjoining and empty; pages cold and warm; tried inline or not.
void transfer_paths() {
  Broker broker;
  const auto data = pattern(3'000'000, 5);
  TempFile file(data);
  const std::vector<std::uint8_t> head = pattern(100, 6);
  struct Part {
    std::size_t at, position, length;
  };
  const std::vector<std::vector<Part>> responses = {
      {{100, 0, 10}}, {{0, 5, 40'000}, {0, 1, 20'000}, {50, 4095, 4098}, {50, 0, 0}, {100, 7, 1}}, {{10, 1, 2'999'999}}, {{100, 100'000, 1'500'000}}, {}};
  std::size_t next = 0;
  broker.on_frame = [&](std::uint64_t connection, const std::uint8_t*, std::size_t, const FrameView& frame) {
    broker.pool->release(frame.id);
    std::vector<RegionPart> parts;
    for (const Part& part : responses[next % responses.size()]) parts.push_back({part.at, file.region(part.position, part.length)});
    CHECK(broker.io->send(connection, head.data(), head.size(), std::move(parts)) >= 0);
    next++;
  };
  Client client(broker.port);
  for (int mode = 0; mode <= 4; mode++) {
    for (const std::uint64_t inline_below : {std::uint64_t{0}, std::uint64_t{1} << 30}) {
      for (const bool cold : {false, true}) {
        broker.io->settings().mode.store(mode);
        broker.io->settings().inline_below.store(inline_below);
        if (cold) file.evict();
        client.input.clear();
        std::vector<std::uint8_t> expected;
        for (const auto& response : responses) {
          client.frame({1, 2, 3});
          std::size_t at = 0;
          for (const Part& part : response) {
            expected.insert(expected.end(), head.begin() + static_cast<long>(at), head.begin() + static_cast<long>(part.at));
            at = part.at;
            expected.insert(expected.end(), data.begin() + static_cast<long>(part.position), data.begin() + static_cast<long>(part.position + part.length));
          }
          expected.insert(expected.end(), head.begin() + static_cast<long>(at), head.end());
        }
        broker.drive([&] {
          client.step();
          return client.input.size() >= expected.size();
        });
        CHECK(client.input == expected);
      }
    }
  }
  double counters[kCounters];
  broker.io->counters(counters);
  for (const Counter counter : {Counter::SendfileBytes, Counter::SpliceBytes, Counter::MmapBytes, Counter::ReadWriteBytes, Counter::ResidentBytes,
                                Counter::ReadInBytes, Counter::ColdReads, Counter::ColdBytes, Counter::ColdMicros})
    CHECK(counters[static_cast<unsigned>(counter)] > 0);
  CHECK_EQ(counters[static_cast<unsigned>(Counter::Regions)], 2.0 * 2 * 5 * 7);
  check_meter(broker, file);
}

// Each listener has its own figures, and those of a closed one stay in the sum.
void meters_of_listeners() {
  Broker broker;
  double second = 0;
  std::uint16_t port = 0;
  CHECK_EQ(broker.io->listen("127.0.0.1", 0, 128, second, port), 0);
  Client one(broker.port);
  Client two(port);
  one.frame(pattern(1000, 1));
  two.frame(pattern(50, 1));
  broker.drive([&] {
    one.step();
    two.step();
    return one.input.size() == 1004 && two.input.size() == 54;
  });
  CHECK(broker.io->unlisten(second));
  double counters[kCounters];
  const auto of = [&](Counter counter) { return counters[static_cast<unsigned>(counter)]; };
  CHECK(broker.io->counters(broker.listener, counters));
  CHECK_EQ(of(Counter::BytesReceived), 1004.0);
  CHECK_EQ(of(Counter::BytesSent), 1004.0);
  CHECK_EQ(of(Counter::ConnectionsOpen), 1.0);
  CHECK(broker.io->counters(second, counters));
  CHECK_EQ(of(Counter::BytesReceived), 54.0);
  CHECK_EQ(of(Counter::FramesReceived), 1.0);
  broker.io->counters(counters);
  CHECK_EQ(of(Counter::BytesSent), 1058.0);
  CHECK_EQ(of(Counter::ConnectionsAccepted), 2.0);
}

// What was appended a moment ago needs no probe, and is counted so.
void fresh_bytes() {
  Broker broker;
  const auto data = pattern(500'000, 5);
  TempFile file(data);
  file.file->appended(0, monotonic_ms());
  broker.on_frame = [&](std::uint64_t connection, const std::uint8_t*, std::size_t, const FrameView& frame) {
    broker.pool->release(frame.id);
    CHECK(broker.io->send(connection, data.data(), 8, {{8, file.region(0, data.size())}}) >= 0);
  };
  Client client(broker.port);
  client.frame({1});
  broker.drive([&] {
    client.step();
    return client.input.size() == data.size() + 8;
  });
  check_meter(broker, file);
  double counters[kCounters];
  broker.io->counters(counters);
  CHECK_EQ(counters[static_cast<unsigned>(Counter::FreshBytes)], 500'000.0);
}

// A region that is cut while it waits is never sent, in any mode: the connection closes.
void fenced_region() {
  const auto data = pattern(24 << 20, 5);
  for (int mode = 0; mode <= 4; mode++) {
    Broker broker;
    broker.io->settings().mode.store(mode);
    TempFile file(data);
    broker.on_frame = [&](std::uint64_t connection, const std::uint8_t*, std::size_t, const FrameView& frame) {
      broker.pool->release(frame.id);
      CHECK(broker.io->send(connection, data.data(), 8, {{8, file.region(0, data.size())}}) > 0);
    };
    Client client(broker.port, 4096);
    client.frame({1});
    client.reading = false;
    double counters[kCounters];
    broker.drive([&] {
      client.step();
      broker.io->counters(counters);
      return counters[static_cast<unsigned>(Counter::BytesSent)] > 0;
    });
    file.file->begin_truncation();
    file.file->publish_end(1000);
    CHECK_EQ(ftruncate(file.file->fd(), 1000), 0);
    client.reading = true;
    broker.drive([&] {
      client.step();
      return broker.closed == 1;
    });
    CHECK(broker.last_reason == CloseReason::TransferFailed);
    CHECK(client.input.size() < data.size());
    CHECK_EQ(file.file.use_count(), 1);
  }
}

// Neither a reader that takes nothing nor one killed in the middle holds up another, or keeps descriptors or files.
void slow_and_killed_readers() {
  const int before = descriptors();
  {
    Broker broker;
    const auto data = pattern(20 << 20, 5);
    TempFile file(data);
    broker.on_frame = [&](std::uint64_t connection, const std::uint8_t* bytes, std::size_t length, const FrameView& frame) {
      if (length == 1) broker.io->send(connection, data.data(), 4, {{4, file.region(0, data.size())}});
      else broker.echo(connection, bytes, length);
      broker.pool->release(frame.id);
    };
    Client lazy(broker.port, 4096);
    lazy.reading = false;
    auto killed = std::make_unique<Client>(broker.port, 4096);
    killed->reading = false;
    Client lively(broker.port);
    lazy.frame({1});
    killed->frame({1});
    for (int i = 0; i < 200; i++) lively.frame(pattern(100, 1));
    broker.drive([&] {
      lazy.step();
      killed->step();
      lively.step(104);
      return lively.input.size() == lively.output.size();
    });
    killed.reset();
    broker.drive([&] { return broker.closed == 1; });
    lazy.reading = true;
    broker.drive([&] {
      lazy.step();
      return lazy.input.size() == data.size() + 4;
    });
    CHECK(std::memcmp(lazy.input.data() + 4, data.data(), data.size()) == 0);
    CHECK_EQ(file.file.use_count(), 1);
  }
  CHECK_EQ(descriptors(), before);
}

void bad_lengths_and_limits() {
  IoOptions options;
  options.threads = 2;
  options.max_frame_bytes = 1000;
  options.max_connections_per_address = 3;
  Broker broker(options);
  for (const std::vector<std::uint8_t>& prefix : {std::vector<std::uint8_t>{0xff, 0xff, 0xff, 0xff}, std::vector<std::uint8_t>{0, 0, 3, 0xe9}}) {
    Client client(broker.port);
    client.output = prefix;
    const int closed = broker.closed;
    broker.drive([&] {
      client.step();
      return broker.closed > closed && client.ended;
    });
    CHECK(broker.last_reason == CloseReason::BadFrameLength);
  }
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; i++) clients.push_back(std::make_unique<Client>(broker.port));
  const int closed = broker.closed;
  broker.drive([&] { return broker.closed == closed + 1; });
  CHECK(broker.last_reason == CloseReason::TooManyFromAddress);
}

void max_connections() {
  IoOptions options;
  options.max_connections = 2;
  Broker broker(options);
  auto one = std::make_unique<Client>(broker.port);
  Client two(broker.port);
  Client three(broker.port);  // in the backlog
  three.frame({1, 2});
  broker.drive([&] { return broker.opened == 2; });
  three.step();
  CHECK_EQ(broker.opened, 2);
  one.reset();
  broker.drive([&] {
    three.step();
    return three.input.size() == 6;
  });
}

// Limits change while connections are open: more let in who waits, fewer close nobody.
void limits_change() {
  IoOptions options;
  options.max_connections = 1;
  Broker broker(options);
  Client one(broker.port);
  broker.drive([&] { return broker.opened == 1; });
  Client two(broker.port);  // in the backlog
  two.frame({1, 2});
  for (int i = 0; i < 20; i++) two.step();
  CHECK_EQ(broker.opened, 1);
  broker.io->limit(2, INT64_MAX);
  broker.drive([&] {
    two.step();
    return two.input.size() == 6;
  });
  broker.io->limit(10, 2);
  Client three(broker.port);
  broker.drive([&] { return broker.closed == 1; });
  CHECK(broker.last_reason == CloseReason::TooManyFromAddress);
  broker.io->limit(1, 1);
  one.frame({3, 4});
  broker.drive([&] {
    one.step();
    return one.input.size() == 6;
  });
  CHECK_EQ(broker.closed, 1);
}

// Of one address instead of the limit of all, also when that is changed; a mapped address is the same one.
void limits_of_addresses() {
  IoOptions options;
  options.max_connections_per_address = 0;
  Broker broker(options);
  Client refused(broker.port);
  broker.drive([&] { return broker.closed == 1; });
  CHECK(broker.last_reason == CloseReason::TooManyFromAddress);
  sockaddr_storage loopback;
  socklen_t length;
  CHECK(parse_address("::ffff:127.0.0.1", 0, loopback, length));
  broker.io->limit_addresses({{address_key(loopback), 1}});
  Client one(broker.port);
  broker.drive([&] { return broker.opened == 1; });
  Client two(broker.port);
  broker.drive([&] { return broker.closed == 2; });
  broker.io->limit_addresses({});
  Client three(broker.port);
  broker.drive([&] { return broker.closed == 3; });
  CHECK_EQ(broker.opened, 1);
}

// More threads and fewer while connections of the first ones work; new ones come to the threads that are used.
void threads_change() {
  IoOptions options;
  options.threads = 1;
  Broker broker(options);
  std::vector<std::unique_ptr<Client>> clients;
  const auto echo = [&] {
    clients.push_back(std::make_unique<Client>(broker.port));
    for (auto& client : clients) client->frame({1, 2});
    const std::size_t wanted = 6;
    broker.drive([&] {
      bool all = true;
      for (auto& client : clients) {
        client->step();
        all = all && client->input.size() >= wanted;
      }
      return all;
    });
    for (auto& client : clients) client->input.clear();
  };
  for (const unsigned threads : {1u, 4u, 2u, 1000u, 1u, 3u}) {
    broker.io->use_threads(threads);
    for (int i = 0; i < 3; i++) echo();
  }
  CHECK_EQ(broker.opened, 18);
}

// Frames not released stop the reading; releasing them resumes it. The same for frame memory.
void backpressure(bool by_memory) {
  IoOptions options;
  if (!by_memory) options.max_unreleased_frames = 5;
  Broker broker(options, by_memory ? 300'000 : std::size_t{1} << 30);
  std::vector<FrameView> held;
  std::size_t received = 0;
  bool hold = true;
  broker.on_frame = [&](std::uint64_t, const std::uint8_t*, std::size_t, const FrameView& frame) {
    received++;
    if (hold) held.push_back(frame);
    else broker.pool->release(frame.id);
  };
  Client client(broker.port);
  for (int i = 0; i < 400; i++) client.frame(pattern(50'000, 1));
  double counters[kCounters];
  broker.drive([&] {
    client.step();
    broker.io->counters(counters);
    return counters[static_cast<unsigned>(Counter::ReadPauses)] > 0;
  });
  broker.drive([&] { return received >= 5; });
  CHECK(received < 20);
  if (by_memory) CHECK(broker.pool->charged() < 600'000);
  hold = false;
  for (const FrameView& frame : held) broker.pool->release(frame.id);
  broker.drive([&] {
    client.step();
    return received == 400;
  });
}

// Partial frames that use up the memory: the one that stalled first goes, the rest come through.
void memory_pressure() {
  Broker broker({}, 4'000'000);
  std::size_t received = 0;
  broker.on_frame = [&](std::uint64_t, const std::uint8_t*, std::size_t, const FrameView& frame) {
    received++;
    broker.pool->release(frame.id);
  };
  Client stalled(broker.port);
  stalled.frame(pattern(3'900'000, 1));
  stalled.output.resize(3'000'000);
  broker.drive([&] {
    stalled.step();
    return broker.pool->charged() == 3'000'000 - 4;
  });
  Client other(broker.port);
  for (int i = 0; i < 3; i++) other.frame(pattern(3'000'000, 2));
  broker.drive([&] {
    other.step();
    return received == 3;
  });
  CHECK_EQ(broker.closed, 1);
  CHECK(broker.last_reason == CloseReason::MemoryPressure);
}

void idle_connections() {
  IoOptions options;
  options.max_idle_ms = 150;
  Broker broker(options);
  std::vector<std::uint64_t> asked;
  broker.on_frame = [&](std::uint64_t connection, const std::uint8_t*, std::size_t, const FrameView& frame) {
    broker.pool->release(frame.id);
    asked.push_back(connection);
  };
  Client quiet(broker.port);
  Client waiting(broker.port);
  waiting.frame({1});
  const std::int64_t start = monotonic_ms();
  broker.drive([&] {
    waiting.step();
    return broker.closed == 1;
  });
  CHECK(monotonic_ms() - start >= 140);
  CHECK(broker.last_reason == CloseReason::Idle);
  broker.drive([&] { return monotonic_ms() - start > 500; });
  CHECK_EQ(broker.closed, 1);  // the long poll may wait
  broker.echo(asked[0], reinterpret_cast<const std::uint8_t*>("x"), 1);
  broker.drive([&] {
    waiting.step();
    return broker.closed == 2;
  });
  CHECK_EQ(waiting.input.size(), 5u);
  // acks=0: an empty response ends the wait.
  Client silent(broker.port);
  silent.frame({1});
  broker.drive([&] {
    silent.step();
    return asked.size() == 2;
  });
  CHECK_EQ(broker.io->send(asked[1], nullptr, 0, {}), 0);
  broker.drive([&] { return broker.closed == 3; });
}

// What is queued is sent before a close, and within the grace of a stop.
void close_after_send_and_stop() {
  Broker broker;
  const auto data = pattern(16 << 20, 5);
  TempFile file(data);
  bool close = true;
  broker.on_frame = [&](std::uint64_t connection, const std::uint8_t*, std::size_t, const FrameView& frame) {
    broker.pool->release(frame.id);
    if (frame.length > 1) return;
    CHECK(broker.io->send(connection, data.data(), 4, {{4, file.region(0, data.size())}}) > 0);
    if (!close) return;
    CHECK(broker.io->close(connection, true));
    CHECK(!broker.io->close(connection, true));
    CHECK_EQ(broker.io->send(connection, data.data(), 4, {}), -1);
  };
  Client client(broker.port);
  client.frame({1});
  client.frame(pattern(100'000, 1));  // never answered
  broker.drive([&] {
    client.step();
    return client.ended;
  });
  CHECK_EQ(client.input.size(), data.size() + 4);
  close = false;
  Client last(broker.port, 4096);
  last.frame({1});
  last.reading = false;
  double counters[kCounters];
  broker.drive([&] {
    last.step();
    broker.io->counters(counters);
    return counters[static_cast<unsigned>(Counter::QueuedResponses)] == 2;
  });
  broker.io->stop(10'000, [&] { broker.events.complete(1, 0); });
  last.reading = true;
  broker.drive([&] {
    last.step();
    return broker.completions == 1;
  });
  last.step();
  CHECK_EQ(last.input.size(), data.size() + 4);
  CHECK_EQ(broker.opened, broker.closed);
}

void listening() {
  Broker broker;
  double listener;
  std::uint16_t port;
  CHECK_EQ(broker.io->listen("127.0.0.1", broker.port, 10, listener, port), -EADDRINUSE);
  CHECK_EQ(broker.io->listen("localhost", 0, 10, listener, port), -EINVAL);
  CHECK(broker.io->unlisten(broker.listener));
  CHECK(!broker.io->unlisten(broker.listener));
  CHECK_EQ(broker.io->listen("127.0.0.1", broker.port, 10, listener, port), 0);
  Client client(port);
  client.frame({1});
  broker.drive([&] {
    client.step();
    return client.input.size() == 5;
  });
}

// Without descriptors accepting pauses, says so once, and goes on by itself when there are some again.
void no_descriptors() {
  Broker broker;
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const int lowest = dup(0);
  close(lowest);
  const rlimit narrow{static_cast<rlim_t>(lowest) + 1, before.rlim_max};
  CHECK_EQ(setrlimit(RLIMIT_NOFILE, &narrow), 0);
  Client client(broker.port);
  CHECK_EQ(client.fd, lowest);
  client.frame({1});
  const std::int64_t start = monotonic_ms();
  broker.drive([&] { return broker.refused > 0 && monotonic_ms() - start > 400; });
  CHECK_EQ(broker.refused, 1);
  CHECK_EQ(broker.opened, 0);
  CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  broker.drive([&] {
    client.step();
    return client.input.size() == 5;
  });
}

// Connections come and go while responses are under way: for the sanitizers.
void churn() {
  IoOptions options;
  options.threads = 3;
  Broker broker(options);
  const auto data = pattern(1 << 20, 5);
  TempFile file(data);
  std::mt19937 random(11);
  broker.on_frame = [&](std::uint64_t connection, const std::uint8_t* bytes, std::size_t length, const FrameView& frame) {
    if (random() % 3 == 0) broker.io->send(connection, data.data(), 8, {{8, file.region(random() % 1000, random() % 500'000)}});
    else broker.echo(connection, bytes, length);
    if (random() % 50 == 0) broker.io->close(connection, random() % 2);
    if (random() % 20 == 0) broker.io->pause(connection, true), broker.io->pause(connection, false);
    broker.pool->release(frame.id);
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int round = 0; round < 200; round++) {
    if (clients.size() < 10) clients.push_back(std::make_unique<Client>(broker.port));
    for (auto& client : clients) {
      if (random() % 2) client->frame(pattern(random() % 3000, 1));
      client->step(random() % 5000);
      if (client->ended || random() % 40 == 0) client.reset();
    }
    std::erase(clients, nullptr);
    broker.drive([] { return true; });
    double rows[64 * 6];
    const std::size_t count = broker.events.poll(rows, 64);
    for (std::size_t i = 0; i < count; i++) broker.handle(rows + i * 6);
  }
  clients.clear();
  broker.drive([&] { return broker.opened == broker.closed && broker.pool->charged() == 0; });
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);  // as Node does
#define RUN(test) (std::fprintf(stderr, "%s\n", #test), test)
  for (const bool home : {false, true}) {
    Broker::home = home;
    RUN(echo_cut_anywhere)();
    RUN(echo_byte_by_byte)();
    RUN(transfer_paths)();
    RUN(meters_of_listeners)();
    RUN(fresh_bytes)();
    RUN(fenced_region)();
    RUN(slow_and_killed_readers)();
    RUN(bad_lengths_and_limits)();
    RUN(max_connections)();
    RUN(limits_change)();
    RUN(limits_of_addresses)();
    RUN(threads_change)();
    RUN(backpressure)(false);
    RUN(backpressure)(true);
    RUN(memory_pressure)();
    RUN(idle_connections)();
    RUN(close_after_send_and_stop)();
    RUN(listening)();
    RUN(no_descriptors)();
    RUN(churn)();
  }
}
