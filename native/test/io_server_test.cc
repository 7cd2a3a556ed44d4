// The network half without Node: frames in and out, threads, listeners, a stop. What it sends of files is in io_transfer_test.cc, its limits in
// io_limits_test.cc.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "io_support.h"

using namespace sluice;

namespace {

// Frames of all sizes, cut anywhere, pipelined: they come back in order and whole.
void echo_cut_anywhere() {
  Broker broker;
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; i++) {
    clients.push_back(std::make_unique<Client>(broker.port));
    for (int f = 0; f < 60; f++) {
      const std::size_t sizes[] = {0, 1, random() % 50, random() % 5000, 65536, 65537, random() % 200'000};
      clients.back()->frame(random_bytes(sizes[random() % 7], random()));
    }
  }
  clients[0]->frame(random_bytes(9'000'000, 3));
  clients[0]->frame(random_bytes(3, 4));
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
  for (int i = 0; i < 5; i++) client.frame(random_bytes(static_cast<std::size_t>(i * 3), 1));
  broker.drive([&] {
    client.step(1);
    return client.input.size() == client.output.size();
  });
  CHECK(client.input == client.output);
}

int io_threads() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream comm(task.path() / "comm");
    std::string name;
    std::getline(comm, name);
    count += name.starts_with("sluice-io-");
  }
  return count;
}

// More threads and fewer while connections work: those of a thread that is one too many move, with what they have half sent and half received.
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
    const int most = static_cast<int>(std::min(threads, kMostIoThreads));
    broker.drive([&] { return io_threads() == most; });
  }
  CHECK_EQ(broker.opened, 18);
  CHECK_EQ(broker.closed, 0);
}

// A long response and a large frame are under way on every thread when all but one must end; listeners of theirs go on, and can be closed.
void threads_end_amid() {
  IoOptions options;
  options.threads = 4;
  Broker broker(options);
  std::vector<double> listeners(6);
  std::vector<std::uint16_t> ports(6);
  for (int i = 0; i < 6; i++) CHECK_EQ(broker.io->listen("127.0.0.1", 0, 128, listeners[i], ports[i]), 0);
  std::mt19937 random(11);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; i++) {
    clients.push_back(std::make_unique<Client>(ports[i % 6], i % 3 == 0 ? 4096 : 0));
    for (int f = 0; f < 6; f++) clients.back()->frame(random_bytes(random() % 300'000, random()));
  }
  const auto total = [&](auto&& of) {
    std::size_t bytes = 0;
    for (auto& client : clients) bytes += of(*client);
    return bytes;
  };
  const std::size_t all = total([](Client& client) { return client.output.size(); });
  const auto received = [&] { return total([](Client& client) { return client.input.size(); }); };
  const auto until = [&](std::size_t bytes) {
    broker.drive([&] {
      for (auto& client : clients) client->step(1 + random() % 60'000);
      return received() >= bytes;
    });
  };
  std::size_t part = 0;
  for (const unsigned threads : {1u, 3u, 1u, 4u, 2u}) {
    until(all * ++part / 7);
    broker.io->use_threads(threads);
  }
  until(all);
  for (auto& client : clients) CHECK(client->input == client->output);
  broker.io->use_threads(1);
  broker.drive([&] { return io_threads() == 1 && broker.pool->charged() == 0; });
  clients.clear();
  for (int i = 0; i < 6; i++) {
    Client client(ports[i]);
    client.frame({1});
    broker.drive([&] {
      client.step();
      return client.input.size() == 5;
    });
    CHECK(broker.io->unlisten(listeners[i]));
    double again;
    std::uint16_t bound;
    CHECK_EQ(broker.io->listen("127.0.0.1", ports[i], 128, again, bound), 0);
  }
}

// What is queued is sent before a close, and within the grace of a stop.
void close_after_send_and_stop() {
  Broker broker;
  const auto data = random_bytes(16 << 20, 5);
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
  client.frame(random_bytes(100'000, 1));  // never answered
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

// Connections come and go while responses are under way: for the sanitizers.
void churn() {
  IoOptions options;
  options.threads = 3;
  Broker broker(options);
  const auto data = random_bytes(1 << 20, 5);
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
      if (random() % 2) client->frame(random_bytes(random() % 3000, 1));
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
  for (const bool home : {false, true}) {
    Broker::home = home;
    RUN(echo_cut_anywhere)();
    RUN(echo_byte_by_byte)();
    RUN(threads_change)();
    RUN(threads_end_amid)();
    RUN(close_after_send_and_stop)();
    RUN(listening)();
    RUN(churn)();
  }
}
