#include "../event_channel.h"

#include <atomic>
#include <thread>

#include "check.h"

using namespace sluice;

namespace {

// A burst costs one wake-up, and rows come out in order, also through a small buffer.
void wakes_once() {
  int wakes = 0;
  EventChannel channel([&] { wakes++; });
  for (int i = 0; i < 10; i++) channel.complete(i, 0);
  CHECK_EQ(wakes, 1);
  double rows[4 * 6];
  CHECK_EQ(channel.poll(rows, 4), 4u);
  CHECK_EQ(rows[1], 0);
  CHECK_EQ(channel.poll(rows, 4), 4u);
  channel.complete(10, 0);
  CHECK_EQ(wakes, 1);  // it has not been found empty
  CHECK_EQ(channel.poll(rows, 4), 3u);
  CHECK_EQ(rows[2 * 6 + 1], 10);
  channel.complete(11, 0);
  CHECK_EQ(wakes, 2);
  channel.close();
  channel.complete(12, 0);
  CHECK_EQ(wakes, 2);
  CHECK_EQ(channel.poll(rows, 4), 0u);
}

// No row is lost or reordered within its thread, and no wake-up is missed.
void many_threads() {
  constexpr int kThreads = 4;
  constexpr int kRows = 20000;
  std::atomic<int> wakes{0};
  EventChannel channel([&] { wakes.fetch_add(1); });
  std::thread threads[kThreads];
  for (int t = 0; t < kThreads; t++)
    threads[t] = std::thread([&, t] {
      for (int i = 0; i < kRows; i++) channel.complete(t, i);
    });
  int next[kThreads] = {};
  int total = 0;
  int seen = 0;
  double rows[64 * 6];
  while (total < kThreads * kRows) {
    while (wakes.load() == seen) std::this_thread::yield();
    seen = wakes.load();
    for (;;) {
      const std::size_t count = channel.poll(rows, 64);
      for (std::size_t i = 0; i < count; i++) {
        const int thread = static_cast<int>(rows[i * 6 + 1]);
        CHECK_EQ(static_cast<int>(rows[i * 6 + 2]), next[thread]);
        next[thread]++;
      }
      total += static_cast<int>(count);
      if (count < 64) break;
    }
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace

int main() {
  wakes_once();
  many_threads();
}
