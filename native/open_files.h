// Bounds how many segments have their files open. The least recently used ones are closed; they open again when they are needed.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace sluice {

// What can close its files and open them again by itself.
class Closable {
 public:
  virtual ~Closable() = default;
  // Whether it was used since the last call.
  virtual bool take_used() = 0;
  // False: it is in use, or has bytes that are not on the disk (after a failed write of them, nobody but the open file would tell).
  virtual bool try_close() = 0;
  // Makes its bytes durable, if its files are open, so that it can be closed. Waits for the disk.
  virtual void make_closable() = 0;
};

// Any thread. The bound is kept as far as others can be closed: what is in use stays open.
class OpenFiles {
 public:
  explicit OpenFiles(std::size_t most) : most_(most) {}

  // `one` has opened its files, and is in use. Closes others; where all are dirty, and with `may_wait`, the oldest is flushed first.
  void opened(std::weak_ptr<Closable> one, bool may_wait);

 private:
  std::shared_ptr<Closable> close_some(const Closable* but);

  const std::size_t most_;
  std::mutex mutex_;
  std::deque<std::weak_ptr<Closable>> open_;  // in the order of opening, or of the last look that found them in use
};

}  // namespace sluice
