// Connections that change threads: home, the thread that handles requests, for the small ones; an I/O thread for the large.
#include <signal.h>

#include <algorithm>
#include <random>

#include "io_support.h"

using namespace sluice;

namespace {

// One connection goes out with the first large frame or response and comes home when that has been over for a while. Nothing is lost, the order stays.
void there_and_back() {
  IoOptions options;
  options.threads = 2;
  Broker broker(options);
  Client client(broker.port);
  broker.drive([&] { return broker.opened == 1; });
  const std::uint64_t id = broker.last_opened;
  const Inbox* home = broker.io->find(id)->inbox.load();
  const auto at_home = [&] { return broker.io->find(id)->inbox.load() == home; };
  std::mt19937 random(7);
  for (int round = 0; round < 12; round++) {
    std::vector<std::uint8_t> expected;
    client.input.clear();
    for (int i = 0; i < 40; i++) {
      const bool small = round % 3 == 0 || random() % 4 > 0;
      const std::vector<std::uint8_t> body(small ? random() % 200 : random() % 600'000, static_cast<std::uint8_t>(i));
      const std::size_t before = client.output.size();
      client.frame(body);
      expected.insert(expected.end(), client.output.begin() + static_cast<std::ptrdiff_t>(before), client.output.end());
    }
    broker.drive([&] {
      client.step(1 + random() % 100'000);
      if (random() % 8 == 0) broker.io->pause(id, true), broker.io->pause(id, false);
      return client.input.size() >= expected.size();
    });
    CHECK(client.input == expected);
    if (round % 3 != 2) continue;
    CHECK(!at_home());
    const std::int64_t until = monotonic_ms() + 1200;
    broker.drive([&] { return monotonic_ms() > until; });
    // The next small request brings it home.
    client.input.clear();
    client.frame({1, 2, 3});
    broker.drive([&] {
      client.step();
      return client.input.size() == 7 && at_home();
    });
  }
}

void crowd() {
  HomeCrowd crowd;
  std::int64_t now = 10'000;
  CHECK(crowd.sole(1, now));
  for (int i = 0; i < 100; i++) crowd.heard(1, now += 10);
  CHECK(crowd.sole(1, now));
  // Another one now and then, as a consumer's heartbeats.
  for (int i = 0; i < 20; i++) crowd.heard(2, now += 60);
  CHECK(crowd.sole(1, now) && crowd.quiet(1000, now));
  for (int i = 0; i < 20; i++) crowd.heard(2, now += 5);
  CHECK(!crowd.sole(1, now) && crowd.sole(1, now + 300) && !crowd.quiet(1000, now + 300));
  // Two that take turns: neither is alone.
  now += 5000;
  for (int i = 0; i < 40; i++) {
    const std::uint64_t id = 1 + static_cast<std::uint64_t>(i % 2);
    crowd.heard(id, ++now);
    crowd.sole(id, now);
  }
  CHECK(!crowd.sole(1, now) && !crowd.sole(2, now));
  // Where the sole one has left, all that are heard are a crowd.
  now += 5000;
  CHECK(crowd.sole(1, now));
  crowd.left(1);
  for (int i = 0; i < 20; i++) crowd.heard(1, ++now);
  CHECK(!crowd.quiet(1000, now));
}

// Large responses are sent at home as long as nobody else is there, by an I/O thread beside others, and at home again when those have gone.
void alone() {
  IoOptions options;
  options.threads = 2;
  Broker broker(options);
  Client reader(broker.port);
  std::vector<std::unique_ptr<Client>> others;
  for (int i = 0; i < 10; i++) others.push_back(std::make_unique<Client>(broker.port));
  std::uint64_t id = 0;  // of the reader
  broker.on_frame = [&](std::uint64_t connection, const std::uint8_t* bytes, std::size_t, const FrameView& frame) {
    const bool large = bytes[0] != 0;
    if (large) id = connection;
    const std::vector<std::uint8_t> response(large ? 3'000'000 : 10, bytes[0]);
    broker.echo(connection, response.data(), response.size());
    broker.pool->release(frame.id);
  };
  const Inbox* home = nullptr;
  std::uint8_t last = 0;
  const auto ask = [&](Client& client, std::uint8_t what, std::size_t length) {
    client.input.clear();
    client.frame({what});
    broker.drive([&] {
      client.step();
      return client.input.size() == 4 + length;
    });
  };
  const auto fetch = [&](bool beside) {
    // All at once: on a slow machine one behind the other would be now and then.
    if (beside) {
      for (auto& other : others) {
        other->input.clear();
        other->frame({0});
      }
      broker.drive([&] {
        for (auto& other : others) other->step();
        return std::all_of(others.begin(), others.end(), [](auto& other) { return other->input.size() == 4 + 10; });
      });
    }
    last = last == 255 ? 1 : last + 1;
    ask(reader, last, 3'000'000);
    CHECK(reader.input.back() == last);
    const Inbox* lives = broker.io->find(id)->inbox.load();
    if (!home) home = lives;
    return lives == home;
  };
  for (int i = 0; i < 20; i++) CHECK(fetch(false));
  const std::int64_t until = monotonic_ms() + 15'000;
  while (fetch(true)) CHECK(monotonic_ms() < until);
  while (!fetch(false)) CHECK(monotonic_ms() < until);
}

// Commands that pass each other on the way: a pause that is taken back at once never sticks, a close is never lost.
void commands_on_the_way() {
  IoOptions options;
  options.threads = 3;
  Broker broker(options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 30; i++) clients.push_back(std::make_unique<Client>(broker.port));
  broker.drive([&] { return broker.opened == 30; });
  std::mt19937 random(11);
  std::vector<std::uint64_t> ids;
  broker.on_frame = [&, echo = broker.on_frame](std::uint64_t connection, const std::uint8_t* bytes, std::size_t length, const FrameView& frame) {
    broker.io->pause(connection, true);
    echo(connection, bytes, length, frame);
    broker.io->pause(connection, false);
    if (random() % 50 == 0) broker.io->close(connection, random() % 2 == 0);
  };
  const std::int64_t until = monotonic_ms() + 3000;
  broker.drive([&] {
    for (const auto& client : clients) {
      if (client->ended) continue;
      if (client->written == client->output.size()) client->frame(std::vector<std::uint8_t>(random() % 3 ? random() % 100 : random() % 200'000, 1));
      client->step();
    }
    return monotonic_ms() > until;
  });
  // Who was not closed gets every answer.
  broker.drive([&] {
    bool all = true;
    for (const auto& client : clients) {
      client->step();
      all = all && (client->ended || client->input.size() >= client->output.size());
    }
    return all;
  });
  clients.clear();
  broker.drive([&] { return broker.opened == broker.closed && broker.pool->charged() == 0; });
}

// A server that ends in the middle of moves.
void ending() {
  for (int round = 0; round < 20; round++) {
    IoOptions options;
    options.threads = 2;
    Broker broker(options);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 8; i++) clients.push_back(std::make_unique<Client>(broker.port));
    int turns = 0;
    broker.drive([&] {
      for (const auto& client : clients) {
        client->frame(std::vector<std::uint8_t>(turns % 2 ? 100 : 100'000, 1));
        client->step();
      }
      return ++turns > round;
    });
  }
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);
  Broker::home = true;
#define RUN(test) (std::fprintf(stderr, "%s\n", #test), test)
  RUN(there_and_back)();
  RUN(crowd)();
  RUN(alone)();
  RUN(commands_on_the_way)();
  RUN(ending)();
}
