// What the network half refuses, holds back and ends: lengths, connections, addresses, memory, silence, descriptors.
#include <signal.h>
#include <sys/resource.h>

#include "../socket_options.h"
#include "io_support.h"

using namespace sluice;

namespace {

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
  for (int i = 0; i < 400; i++) client.frame(random_bytes(50'000, 1));
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
  stalled.frame(random_bytes(3'900'000, 1));
  stalled.output.resize(3'000'000);
  broker.drive([&] {
    stalled.step();
    return broker.pool->charged() == 3'000'000 - 4;
  });
  Client other(broker.port);
  for (int i = 0; i < 3; i++) other.frame(random_bytes(3'000'000, 2));
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

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);  // as Node does
  for (const bool home : {false, true}) {
    Broker::home = home;
    RUN(bad_lengths_and_limits)();
    RUN(max_connections)();
    RUN(limits_change)();
    RUN(limits_of_addresses)();
    RUN(backpressure)(false);
    RUN(backpressure)(true);
    RUN(memory_pressure)();
    RUN(idle_connections)();
    RUN(no_descriptors)();
  }
}
