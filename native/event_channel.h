// The one way from native threads to JavaScript: a bounded-wake queue of event rows.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace sluice {

// [kind, a, b, c, d, e]: see EventKind in src/native/numbers.ts.
using EventRow = std::array<double, 6>;

enum class EventKind : int { Frame = 1, ConnectionOpened = 2, ConnectionClosed = 3, Completion = 4, AcceptFailed = 5 };

// Thread-safe. Rows come out in the order of the pushes of one thread. `wake` is called by a pushing thread only when the
// queue was idle (nothing to poll and no wake under way), so a burst costs one wake-up. It must be cheap and must not block.
class EventChannel {
 public:
  explicit EventChannel(std::function<void()> wake) : wake_(std::move(wake)) {}

  void push(const EventRow& row) { push(&row, 1); }
  void push(const EventRow* rows, std::size_t count);

  // The polling thread itself, just before it polls: no wake.
  void add(const EventRow* rows, std::size_t count);

  void complete(double ticket, double status, double v1 = 0, double v2 = 0, double v3 = 0) {
    push({static_cast<double>(EventKind::Completion), ticket, status, v1, v2, v3});
  }

  // JavaScript thread. Copies at most max_rows rows out. When it returns fewer than max_rows the queue was empty and the next push wakes again;
  // when it returns max_rows the caller must poll again by itself.
  std::size_t poll(double* out, std::size_t max_rows);

  // Whether poll() would give something.
  bool any();

  // After this push drops rows and never calls wake.
  void close();

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<EventRow> rows_;
  std::size_t taken_ = 0;
  bool awake_ = false;
  bool closed_ = false;
};

}  // namespace sluice
