// Responses with bytes of files: every way they take, what the meters say of it, and readers that are slow or go.
#include <dirent.h>
#include <signal.h>

#include "io_support.h"

using namespace sluice;

namespace {

int descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
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
  const auto data = random_bytes(3'000'000, 5);
  TempFile file(data);
  const std::vector<std::uint8_t> head = random_bytes(100, 6);
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
  one.frame(random_bytes(1000, 1));
  two.frame(random_bytes(50, 1));
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
  const auto data = random_bytes(500'000, 5);
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
  const auto data = random_bytes(24 << 20, 5);
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
    const auto data = random_bytes(20 << 20, 5);
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
    for (int i = 0; i < 200; i++) lively.frame(random_bytes(100, 1));
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

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);  // as Node does
  for (const bool home : {false, true}) {
    Broker::home = home;
    RUN(transfer_paths)();
    RUN(meters_of_listeners)();
    RUN(fresh_bytes)();
    RUN(fenced_region)();
    RUN(slow_and_killed_readers)();
  }
}
