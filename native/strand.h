// Keeps the order of the writes of one log: appends, seals and cuts run one after the other on the append lane.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "disk_queue.h"
#include "event_channel.h"
#include "frame_pool.h"
#include "segment.h"

namespace sluice {

struct StrandJob {
  enum class Kind { Prepare, Append, Seal, Truncate, Reset };
  Kind kind = Kind::Append;
  std::shared_ptr<Segment> segment;
  double ticket = 0;  // not for Reset
  // Append
  FrameRef frame;
  std::size_t offset = 0;
  std::size_t length = 0;
  std::array<std::uint8_t, kBatchHeaderBytes> stamped{};  // see AppendPart
  bool durable = false;  // complete when it is on the disk
  // Seal
  std::int64_t max_timestamp = -1;
  std::int64_t offset_of_max_timestamp = -1;
  // Truncate
  std::uint64_t position = 0;
};

// Submitted to from the JavaScript thread. Neighbouring appends to one segment become one write. The first failed job, unless it only prepares, breaks the
// strand: what is behind it completes with -ECANCELED and is not done, up to the Reset that was submitted after it; cuts are done all the same.
// Appends that are to be durable run in the flush lane: one write and one fdatasync for all that came while the disk was at work with those before.
// A failed fdatasync breaks the strand as well.
// A job that finds the queue full fails with -EAGAIN and breaks the strand for what is submitted later.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  Strand(EventChannel& events, DiskQueue& queue) : events_(events), queue_(queue) {}

  // The job completes through the events, always, exactly once.
  void submit(StrandJob job);

  // Of the log whose order this keeps.
  const std::shared_ptr<LogMeter>& meter() const { return meter_; }

 private:
  void run(Lane lane);
  bool run_group(std::vector<StrandJob>& group);
  void run_appends(std::vector<StrandJob>& group, std::vector<EventRow>& rows);
  int run_one(StrandJob& job, double& value);
  void take_group(std::vector<StrandJob>& group);
  bool schedule();

  EventChannel& events_;
  DiskQueue& queue_;
  const std::shared_ptr<LogMeter> meter_ = std::make_shared<LogMeter>();
  std::mutex mutex_;
  std::deque<StrandJob> jobs_;
  Place place_ = 0;
  bool running_ = false;  // a worker has it, or a job for one is in the lane
  bool refused_ = false;  // a job was refused; cleared by the next Reset
  bool broken_ = false;   // worker only
};

}  // namespace sluice
