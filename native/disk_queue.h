// Disk threads: bounded lanes of jobs, and strands that keep one log's writes in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace sluice {

enum class Lane { Append, Read, Flush, Maintenance, Recovery };

// Tells apart what may be on different disks: each place has threads of its own, so that a disk that is slow or stuck holds up no other.
using Place = std::uint64_t;

// Patient jobs run after the prompt ones of their lane, and leave it a quarter of its threads, or one where it has several: those who always wait for the disk do not make
// others wait who do so once in a while.
enum class Urgency { Prompt, Patient };

// Threads of each lane, per place.
struct DiskQueueOptions {
  unsigned append_threads = 1;
  unsigned read_threads = 8;
  unsigned flush_threads = 1;
  unsigned maintenance_threads = 1;
  unsigned recovery_threads = 1;
  std::size_t queue_limit = 65536;  // per lane and place
};

// Runs jobs on its threads. Jobs must not throw. `submit` returns false when the lane is full or the queue stops: the job is then dropped, and
// the caller reports EAGAIN/ECANCELED itself. stop() runs what is queued, then joins; idempotent.
class DiskQueue {
 public:
  static std::unique_ptr<DiskQueue> create(const DiskQueueOptions& options);
  virtual ~DiskQueue() = default;
  virtual bool submit(Lane lane, Place place, std::function<void()> job, Urgency urgency = Urgency::Prompt) = 0;
  virtual void stop() = 0;
};

}  // namespace sluice
