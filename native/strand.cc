#include "strand.h"

#include <cerrno>
#include <new>

namespace sluice {
namespace {

// Bounds of one coalesced write: beyond some MiB a larger one saves nothing, and completions would wait longer.
constexpr std::size_t kMaxGroupJobs = 64;
constexpr std::size_t kMaxGroupBytes = 4 << 20;
// After so many groups the worker turns to other logs.
constexpr int kGroupsPerTurn = 4;
// Far above what the frame memory lets in; a bound all the same.
constexpr std::size_t kMaxWaiting = 1 << 16;

EventRow completion(double ticket, int status, double value, double durable = 0) {
  return {static_cast<double>(EventKind::Completion), ticket, static_cast<double>(status), value, durable, 0};
}

// Who waits for the disk anyway holds up no append that does not.
Lane lane_of(const StrandJob& job) { return job.durable ? Lane::Flush : Lane::Append; }

}  // namespace

bool Strand::schedule() {
  const Lane lane = lane_of(jobs_.front());
  return queue_.submit(lane, place_, [self = shared_from_this(), lane] { self->run(lane); });
}

void Strand::submit(StrandJob job) {
  const double ticket = job.ticket;
  int status = 0;
  {
    std::lock_guard lock(mutex_);
    if (job.segment) place_ = job.segment->place();
    if (job.kind == StrandJob::Kind::Reset) {
      refused_ = false;
      if (!running_) broken_ = false;
      else jobs_.push_back(std::move(job));
      return;
    }
    const bool cut = job.kind == StrandJob::Kind::Truncate;
    if (refused_ && !cut) {
      status = -ECANCELED;
    } else if (jobs_.size() >= kMaxWaiting && !cut) {
      status = -EAGAIN;
    } else {
      jobs_.push_back(std::move(job));
      if (running_ || schedule()) {
        running_ = true;
        return;
      }
      job = std::move(jobs_.back());
      jobs_.pop_back();
      status = -EAGAIN;
    }
    refused_ = true;
  }
  events_.push(completion(ticket, status, 0));
}

void Strand::take_group(std::vector<StrandJob>& group) {
  std::size_t bytes = 0;
  while (!jobs_.empty() && group.size() < kMaxGroupJobs) {
    StrandJob& next = jobs_.front();
    if (!group.empty()) {
      const StrandJob& first = group.front();
      if (next.kind != StrandJob::Kind::Append || first.kind != StrandJob::Kind::Append || next.segment != first.segment) return;
      if (next.durable != first.durable) return;
      if (bytes + next.length > kMaxGroupBytes) return;
    }
    bytes += next.length;
    group.push_back(std::move(next));
    jobs_.pop_front();
  }
}

void Strand::run(Lane lane) {
  std::vector<StrandJob> group;
  for (int turn = 0;; turn++) {
    group.clear();
    {
      std::lock_guard lock(mutex_);
      if (jobs_.empty()) {
        running_ = false;
        return;
      }
      // When the lane is full or stops, this worker goes on instead.
      if ((turn >= kGroupsPerTurn || lane_of(jobs_.front()) != lane) && schedule()) return;
      take_group(group);
    }
    if (!run_group(group)) broken_ = true;
  }
}

bool Strand::run_group(std::vector<StrandJob>& group) {
  const StrandJob::Kind kind = group.front().kind;
  if (kind == StrandJob::Kind::Reset) {
    broken_ = false;
    return true;
  }
  std::vector<EventRow> rows;
  if (broken_ && kind != StrandJob::Kind::Truncate) {
    for (const StrandJob& job : group) rows.push_back(completion(job.ticket, -ECANCELED, 0));
  } else if (kind == StrandJob::Kind::Append) {
    run_appends(group, rows);
  } else {
    double value = 0;
    const int status = run_one(group.front(), value);
    rows.push_back(completion(group.front().ticket, status, value));
  }
  // Files that could not be opened leave everything as it was: what comes next tries again.
  const bool good = (rows.front()[2] >= 0 && rows.front()[4] >= 0) || kind == StrandJob::Kind::Prepare;
  group.clear();  // frames and segments are let go before JavaScript hears of it
  events_.push(rows.data(), rows.size());
  return good;
}

void Strand::run_appends(std::vector<StrandJob>& group, std::vector<EventRow>& rows) {
  int status = -ENOMEM;
  std::uint64_t end = 0;
  std::uint64_t bytes = 0;
  try {
    std::vector<AppendPart> parts;
    parts.reserve(group.size());
    for (const StrandJob& job : group) {
      parts.push_back({job.frame.data() + job.offset, job.length, job.stamped.data()});
      bytes += job.length;
    }
    status = group.front().segment->append(parts.data(), parts.size(), end);
  } catch (const std::bad_alloc&) {
    status = -ENOMEM;
  }
  if (status >= 0) {
    meter_->add(Counter::AppendedBytes, static_cast<std::int64_t>(bytes));
    meter_->add(Counter::AppendedBatches, static_cast<std::int64_t>(group.size()));
  }
  double durable = 0;
  if (status >= 0 && group.front().durable) {
    std::uint64_t synced = 0;
    const int result = group.front().segment->flush_appended(synced);
    durable = result < 0 ? result : static_cast<double>(synced);
  }
  std::uint64_t position = end - bytes;
  for (const StrandJob& job : group) {
    position += job.length;
    rows.push_back(completion(job.ticket, status, status < 0 ? 0 : static_cast<double>(position), durable));
  }
}

int Strand::run_one(StrandJob& job, double& value) {
  try {
    if (job.kind == StrandJob::Kind::Seal) return job.segment->seal(job.max_timestamp, job.offset_of_max_timestamp);
    if (job.kind == StrandJob::Kind::Truncate) return job.segment->truncate(job.position);
    std::uint64_t size = 0;
    const int status = job.segment->prepare(size);
    value = static_cast<double>(size);
    return status;
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

}  // namespace sluice
