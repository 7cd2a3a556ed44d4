#include "open_files.h"

#include <utility>

namespace sluice {
namespace {

// Looks in one turn: what is in use costs some nanoseconds each, and its next turn goes on where this one ended.
constexpr int kMostLooks = 256;
// For the one that was opened: more than one, so that what was in use at the same time, beyond the bound, gets fewer again.
constexpr int kMostFlushed = 2;

}  // namespace

// `but`: the caller's own, which it is using. Returns one that could be closed if it were flushed; empty when the bound is kept, or all are in use.
std::shared_ptr<Closable> OpenFiles::close_some(const Closable* but) {
  std::shared_ptr<Closable> dirty;
  for (int looks = 0; open_.size() > most_ && looks < kMostLooks; looks++) {
    std::weak_ptr<Closable> oldest = std::move(open_.front());
    open_.pop_front();
    std::shared_ptr<Closable> segment = oldest.lock();
    if (!segment) continue;
    if (segment.get() != but && !segment->take_used()) {
      if (segment->try_close()) continue;
      if (!dirty) dirty = segment;
    }
    open_.push_back(std::move(oldest));
  }
  return open_.size() > most_ ? dirty : nullptr;
}

void OpenFiles::opened(std::weak_ptr<Closable> one, bool may_wait) {
  std::shared_ptr<Closable> dirty;
  const Closable* const self = one.lock().get();
  {
    std::lock_guard lock(mutex_);
    open_.push_back(std::move(one));
    dirty = close_some(self);
  }
  if (!may_wait) return;
  for (int flushed = 0; dirty && flushed < kMostFlushed; flushed++) {
    dirty->make_closable();
    std::lock_guard lock(mutex_);
    dirty = close_some(self);
  }
}

}  // namespace sluice
