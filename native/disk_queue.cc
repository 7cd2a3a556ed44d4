#include "disk_queue.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace sluice {
namespace {

// Threads start with the first jobs that need them: a broker that only serves memory has none.
class LaneThreads {
 public:
  LaneThreads(const char* name, unsigned threads, std::size_t limit) : name_(name), max_threads_(threads > 0 ? threads : 1), limit_(limit) {}

  bool submit(std::function<void()> job, Urgency urgency) {
    {
      std::lock_guard lock(mutex_);
      const std::size_t waiting = prompt_.size() + patient_.size();
      if (stopping_ || waiting >= limit_) return false;
      if (idle_ <= waiting && threads_.size() < max_threads_ && !start_thread() && threads_.empty()) return false;
      (urgency == Urgency::Prompt ? prompt_ : patient_).push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }

  void stop() {
    std::vector<std::thread> threads;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      threads.swap(threads_);
    }
    wake_.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

 private:
  // Signals belong to the threads of the program: a write above RLIMIT_FSIZE must be an error here, never SIGXFSZ's death.
  bool start_thread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      started = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
  }

  void work() {
    pthread_setname_np(pthread_self(), name_);
    std::unique_lock lock(mutex_);
    for (;;) {
      idle_++;
      wake_.wait(lock, [this] { return stopping_ || !prompt_.empty() || patient_may_run(); });
      idle_--;
      const bool patient = prompt_.empty();
      std::deque<std::function<void()>>& jobs = patient ? patient_ : prompt_;
      if (jobs.empty()) return;
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      if (patient) patient_running_++;
      lock.unlock();
      job();
      job = nullptr;  // what it held is let go outside the lock
      lock.lock();
      if (patient) patient_running_--;
    }
  }

  bool patient_may_run() const { return !patient_.empty() && (max_threads_ == 1 || patient_running_ < max_threads_ - std::max(1u, max_threads_ / 4)); }

  const char* const name_;
  const unsigned max_threads_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> prompt_;
  std::deque<std::function<void()>> patient_;
  std::size_t patient_running_ = 0;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

class ThreadedDiskQueue final : public DiskQueue {
 public:
  explicit ThreadedDiskQueue(const DiskQueueOptions& options) : options_(options) {}
  ~ThreadedDiskQueue() override { ThreadedDiskQueue::stop(); }

  bool submit(Lane lane, Place place, std::function<void()> job, Urgency urgency) override {
    PlaceLanes* lanes;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return false;
      std::unique_ptr<PlaceLanes>& found = places_[place];
      if (!found) found = std::make_unique<PlaceLanes>(options_);
      lanes = found.get();
    }
    return lanes->lanes[static_cast<std::size_t>(lane)].submit(std::move(job), urgency);
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    for (auto& [place, lanes] : places_)
      for (LaneThreads& lane : lanes->lanes) lane.stop();
  }

 private:
  struct PlaceLanes {
    explicit PlaceLanes(const DiskQueueOptions& options)
        : lanes{LaneThreads("sluice-append", options.append_threads, options.queue_limit),
                LaneThreads("sluice-read", options.read_threads, options.queue_limit),
                LaneThreads("sluice-flush", options.flush_threads, options.queue_limit),
                LaneThreads("sluice-maint", options.maintenance_threads, options.queue_limit),
                LaneThreads("sluice-recover", options.recovery_threads, options.queue_limit)} {}
    std::array<LaneThreads, 5> lanes;
  };

  const DiskQueueOptions options_;
  std::mutex mutex_;
  std::map<Place, std::unique_ptr<PlaceLanes>> places_;
  bool stopping_ = false;
};

}  // namespace

std::unique_ptr<DiskQueue> DiskQueue::create(const DiskQueueOptions& options) { return std::make_unique<ThreadedDiskQueue>(options); }

}  // namespace sluice
