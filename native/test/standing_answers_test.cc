// Answers that stand: given again without an event, to the same request alone, in order, until they are taken back.
#include "io_support.h"

using namespace sluice;

namespace {

std::vector<std::uint8_t> frame_of(std::uint8_t number, std::initializer_list<std::uint8_t> body) {
  std::vector<std::uint8_t> frame{0, 12, 0, 4, 0, 0, 0, number};
  frame.insert(frame.end(), body);
  return frame;
}

std::vector<std::uint8_t> response_of(std::uint8_t number, std::uint8_t value) { return {0, 0, 0, 5, 0, 0, 0, number, value}; }

struct Standing {
  std::shared_ptr<StandingPlaces> places = std::make_shared<StandingPlaces>(4, 1000, monotonic_ms());
  Broker broker{IoOptions{}, std::size_t{256} << 20, DiskQueueOptions{}, places};
  Client client{broker.port};
  std::uint64_t id = 0;
  int events = 0;
  bool answering = true;
  std::uint8_t value = 1;

  Standing() {
    broker.on_frame = [this](std::uint64_t connection, const std::uint8_t* bytes, std::size_t, const FrameView& frame) {
      events++;
      if (answering) answer(connection, bytes[7]);
      broker.pool->release(frame.id);
    };
    broker.drive([&] { return broker.opened == 1; });
    id = broker.last_opened;
  }
  void answer(std::uint64_t connection, std::uint8_t number) {
    const auto response = response_of(number, value);
    broker.io->send(connection, response.data(), response.size(), {});
  }
  void stand(double stamp, const std::vector<std::uint8_t>& request) {
    places->numbers()[2] = stamp;
    broker.io->stand(id, request, response_of(0, 7), 1, stamp);
  }
  std::vector<std::uint8_t> ask(const std::vector<std::vector<std::uint8_t>>& frames) {
    client.input.clear();
    for (const auto& frame : frames) client.frame(frame);
    broker.drive([&] {
      client.step();
      return client.input.size() >= frames.size() * 9;
    });
    return client.input;
  }
};

void the_same_request_alone() {
  Standing it;
  CHECK(it.ask({frame_of(1, {5, 6})}) == response_of(1, 1));
  CHECK_EQ(it.events, 1);
  it.stand(42, frame_of(1, {5, 6}));
  CHECK(it.ask({frame_of(2, {5, 6})}) == response_of(2, 7));
  CHECK(it.ask({frame_of(200, {5, 6})}) == response_of(200, 7));
  CHECK_EQ(it.events, 1);
  CHECK(it.places->numbers()[3] >= 1000);
  // Another byte, another length, another API.
  CHECK(it.ask({frame_of(3, {5, 7})}) == response_of(3, 1));
  CHECK(it.ask({frame_of(4, {5, 6, 0})}) == response_of(4, 1));
  std::vector<std::uint8_t> other = frame_of(5, {5, 6});
  other[1] = 13;
  CHECK(it.ask({other}) == response_of(5, 1));
  CHECK_EQ(it.events, 4);
  CHECK(it.ask({frame_of(6, {5, 6})}) == response_of(6, 7));
  CHECK_EQ(it.events, 4);
}

void taken_back() {
  Standing it;
  it.stand(42, frame_of(1, {5}));
  CHECK(it.ask({frame_of(2, {5})}) == response_of(2, 7));
  it.places->numbers()[2] = 0;
  CHECK(it.ask({frame_of(3, {5})}) == response_of(3, 1));
  // The place is somebody else's now: what stood before stays void.
  it.places->numbers()[2] = 42;
  CHECK(it.ask({frame_of(4, {5})}) == response_of(4, 1));
  it.broker.io->stand(it.id, frame_of(1, {5}), response_of(0, 9), 1, 43);
  CHECK(it.ask({frame_of(5, {5})}) == response_of(5, 1));
  CHECK_EQ(it.events, 3);
  // A place that is none.
  it.broker.io->stand(it.id, frame_of(1, {5}), response_of(0, 9), 4, 0);
  CHECK(it.ask({frame_of(6, {5})}) == response_of(6, 1));
}

// Many at once; behind one that waits for its answer.
void in_order() {
  Standing it;
  it.stand(42, frame_of(1, {5}));
  std::vector<std::vector<std::uint8_t>> frames;
  std::vector<std::uint8_t> expected;
  for (std::uint8_t number = 0; number < 100; number++) {
    const bool same = number % 3 != 0;
    frames.push_back(frame_of(number, {static_cast<std::uint8_t>(same ? 5 : 6)}));
    const auto response = response_of(number, 1);
    expected.insert(expected.end(), response.begin(), response.end());
  }
  const auto got = it.ask(frames);
  CHECK_EQ(got.size(), expected.size());
  CHECK(it.events > 90);
  for (std::size_t at = 0; at < got.size(); at += 9) CHECK_EQ(int{got[at + 7]}, int{expected[at + 7]});
  it.answering = false;
  it.client.input.clear();
  it.client.frame(frame_of(1, {6}));
  it.client.frame(frame_of(2, {5}));
  const int before = it.events;
  it.broker.drive([&] {
    it.client.step();
    return it.events == before + 2;
  });
  it.answer(it.id, 1);
  it.answer(it.id, 2);
  it.broker.drive([&] {
    it.client.step();
    return it.client.input.size() == 18;
  });
  it.answering = true;
  CHECK(it.ask({frame_of(3, {5})}) == response_of(3, 7));
}

void too_long_or_too_short() {
  Standing it;
  it.stand(42, std::vector<std::uint8_t>(7));
  std::vector<std::uint8_t> large(StandingAnswer::kMost + 1);
  it.stand(42, large);
  CHECK(it.ask({large}) == response_of(0, 1));
  CHECK_EQ(it.events, 1);
  it.broker.io->stand(12345, frame_of(1, {5}), response_of(0, 9), 1, 42);
}

}  // namespace

int main() {
  Broker::home = true;
  RUN(the_same_request_alone)();
  RUN(taken_back)();
  RUN(in_order)();
  RUN(too_long_or_too_short)();
}
