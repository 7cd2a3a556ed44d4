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

EventRow completion(double ticket, int status, double value) {
  return {static_cast<double>(EventKind::Completion), ticket, static_cast<double>(status), value, 0, 0};
}

}  // namespace

bool Strand::schedule() {
  return queue_.submit(Lane::Append, place_, [self = shared_from_this()] { self->run(); });
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
      if (next.kind != StrandJob::Kind::Append || group.front().kind != StrandJob::Kind::Append || next.segment != group.front().segment) return;
      if (bytes + next.length > kMaxGroupBytes) return;
    }
    bytes += next.length;
    group.push_back(std::move(next));
    jobs_.pop_front();
  }
}

void Strand::run() {
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
      if (turn >= kGroupsPerTurn && schedule()) return;
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
  const bool good = rows.front()[2] >= 0 || kind == StrandJob::Kind::Prepare;
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
  std::uint64_t position = end - bytes;
  for (const StrandJob& job : group) {
    position += job.length;
    rows.push_back(completion(job.ticket, status, status < 0 ? 0 : static_cast<double>(position)));
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
