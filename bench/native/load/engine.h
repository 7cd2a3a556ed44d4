// Drives connections by epoll on one thread: closed loop (so many requests under way on each), or open loop (so many a second in all).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "connection.h"
#include "histogram.h"

namespace load {

struct Schedule {
  std::size_t in_flight = 1;
  // Requests a second, over all connections and threads; 0: closed loop.
  double rate = 0;
  // No request begins later than so long after the start.
  Nanoseconds duration = 0;
  // No more requests than so many.
  std::uint64_t most_requests = UINT64_MAX;
};

struct Tally {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t requests = 0;
  std::uint64_t unanswered = 0;
  Nanoseconds last_answer = 0;
  Histogram latency;
  Histogram lateness;

  void add(const Tally& other);
};

using Connections = std::vector<std::unique_ptr<Connection>>;

struct Run {
  Tally tally;
  double seconds = 0;  // from the start to the last answer
  CpuTime cpu;         // of this process meanwhile
};

// Runs to the end on `threads` threads, among which the connections are dealt. Throws what the first failing connection threw.
Run run_traffic(Connections& connections, const Schedule& schedule, std::size_t threads);

// Prints one JSON line: its fields are LoadResult of bench/lib/load.ts.
void print_run(const Run& run);

// The hand-over to whoever measures: {"ready":true}, then a line on standard input. Nothing when `wait` is false.
void await_go(bool wait);

// "cpuUser":…,"cpuSystem":…
std::string cpu_json(const CpuTime& used);

}  // namespace load
