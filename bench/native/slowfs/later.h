// Runs what is due at a time: so that any number of delayed requests wait at once without a thread each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace slowfs {

class Later {
 public:
  Later() : thread_([this] { run(); }) {}
  ~Later() { stop(); }

  void after(std::chrono::milliseconds delay, std::function<void()> job) {
    {
      std::lock_guard lock(mutex_);
      if (!stopping_) {
        jobs_.emplace(std::chrono::steady_clock::now() + delay, std::move(job));
        return woken_.notify_one();
      }
    }
    job();
  }

  // Whatever waits now runs at once.
  void release() {
    {
      std::lock_guard lock(mutex_);
      decltype(jobs_) due;
      for (auto& [time, job] : jobs_) due.emplace(std::chrono::steady_clock::time_point::min(), std::move(job));
      jobs_.swap(due);
    }
    woken_.notify_one();
  }

  // Whatever waits runs at once: nobody is left without an answer. Idempotent.
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    woken_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_ || !jobs_.empty()) {
      if (jobs_.empty()) {
        woken_.wait(lock);
        continue;
      }
      const auto due = jobs_.begin()->first;
      if (!stopping_ && std::chrono::steady_clock::now() < due) {
        woken_.wait_until(lock, due);
        continue;
      }
      const std::function<void()> job = std::move(jobs_.begin()->second);
      jobs_.erase(jobs_.begin());
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable woken_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace slowfs
