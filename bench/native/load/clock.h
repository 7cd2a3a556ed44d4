// Time and CPU time of this process.
#pragma once

#include <sys/resource.h>
#include <time.h>

#include <cstdint>

namespace load {

using Nanoseconds = std::int64_t;
constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kMillisecond = 1'000'000;

inline Nanoseconds now() {
  timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * kSecond + at.tv_nsec;
}

struct CpuTime {
  double user = 0;  // seconds
  double system = 0;
};

inline CpuTime operator-(const CpuTime& after, const CpuTime& before) { return {after.user - before.user, after.system - before.system}; }

inline CpuTime cpu_time() {
  rusage use;
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& at) { return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_usec) / 1e6; };
  return {seconds(use.ru_utime), seconds(use.ru_stime)};
}

}  // namespace load
