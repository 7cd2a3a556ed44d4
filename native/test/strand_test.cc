#include "../strand.h"

#include <sys/resource.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>

#include "batches.h"

using namespace sluice;

namespace {

// Collects completions by ticket.
class Completions {
 public:
  Completions()
      : channel([this] {
          std::lock_guard lock(mutex_);
          woken_ = true;
          wake_.notify_all();
        }) {}

  // Status and value of `count` tickets; each must complete once.
  std::map<int, std::pair<int, double>> wait(std::size_t count) {
    std::map<int, std::pair<int, double>> results;
    while (results.size() < count) {
      double rows[16 * 6];
      std::size_t got;
      while ((got = channel.poll(rows, 16)) > 0) {
        for (std::size_t i = 0; i < got; i++) {
          const double* row = rows + i * 6;
          CHECK(results.emplace(static_cast<int>(row[1]), std::pair(static_cast<int>(row[2]), row[3])).second);
          durable[static_cast<int>(row[1])] = row[4];
        }
      }
      if (results.size() >= count) break;
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return woken_; });
      woken_ = false;
    }
    return results;
  }

  int status_of(int ticket) { return wait(1).at(ticket).first; }

  EventChannel channel;
  std::map<int, double> durable;  // by ticket, of those that were waited for

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

struct World {
  explicit World(std::size_t limit = 1000) : queue(DiskQueue::create({.append_threads = 3, .queue_limit = limit})) {}
  ~World() { queue->stop(); }

  std::shared_ptr<Segment> segment(const std::string& name, std::int64_t base = 0) {
    return std::make_shared<Segment>(SegmentOptions{.path = folder.file(name), .base_offset = base, .index_interval_bytes = 1000});
  }
  StrandJob append(std::shared_ptr<Segment> target, std::int64_t offset, int ticket, std::size_t bytes = 200) {
    const auto batch = make_batch({.base_offset = offset, .bytes = bytes, .max_timestamp = offset});
    StrandJob job;
    job.segment = std::move(target);
    job.ticket = ticket;
    job.frame = frames->allocate(bytes);
    std::memcpy(job.frame.data(), batch.data(), bytes);
    job.length = bytes;
    std::copy_n(batch.begin(), kBatchHeaderBytes, job.stamped.begin());
    return job;
  }
  static StrandJob other(StrandJob::Kind kind, std::shared_ptr<Segment> target, int ticket, std::uint64_t position = 0) {
    StrandJob job;
    job.kind = kind;
    job.segment = std::move(target);
    job.ticket = ticket;
    job.position = position;
    return job;
  }

  TempFolder folder;
  Completions completions;
  std::shared_ptr<FramePool> frames = FramePool::create(1 << 26);
  std::unique_ptr<DiskQueue> queue;
};

// Several strands over several workers: each log has its batches in order, each completion its own end.
void order() {
  World world;
  constexpr int kLogs = 5;
  constexpr int kBatches = 400;
  std::vector<std::shared_ptr<Strand>> strands;
  std::vector<std::shared_ptr<Segment>> segments;
  for (int log = 0; log < kLogs; log++) {
    strands.push_back(std::make_shared<Strand>(world.completions.channel, *world.queue));
    segments.push_back(world.segment("order-" + std::to_string(log)));
  }
  for (int i = 0; i < kBatches; i++) {
    for (int log = 0; log < kLogs; log++) strands[log]->submit(world.append(segments[log], i, log * kBatches + i));
  }
  const auto results = world.completions.wait(kLogs * kBatches);
  for (const auto& [ticket, result] : results) {
    CHECK_EQ(result.first, 0);
    CHECK_EQ(result.second, (ticket % kBatches + 1) * 200.0);
  }
  for (auto& segment : segments) {
    const ScanResult scan = segment->scan({.position = 0, .max_bytes = 1 << 30, .max_rows = 10000, .verify_crc = true});
    CHECK_EQ(scan.status, 0);
    CHECK_EQ(scan.rows.size(), kBatches * kScanRowBytes);
  }
  for (auto& strand : strands) {
    CHECK_EQ(strand->meter()->get(static_cast<unsigned>(Counter::AppendedBytes) - kFirstOfLog), kBatches * 200);
    CHECK_EQ(strand->meter()->get(static_cast<unsigned>(Counter::AppendedBatches) - kFirstOfLog), kBatches);
  }
}

// Appends that are to be on the disk among such that are not: in order, and each with its own end on the disk.
void durable() {
  World world;
  constexpr int kBatches = 300;
  auto strand = std::make_shared<Strand>(world.completions.channel, *world.queue);
  auto segment = world.segment("durable");
  const auto is_durable = [](int i) { return i % 50 < 30; };
  for (int i = 0; i < kBatches; i++) {
    StrandJob job = world.append(segment, i, i);
    job.durable = is_durable(i);
    strand->submit(std::move(job));
  }
  for (const auto& [ticket, result] : world.completions.wait(kBatches)) {
    CHECK_EQ(result.first, 0);
    CHECK_EQ(result.second, (ticket + 1) * 200.0);
    const double synced = world.completions.durable.at(ticket);
    CHECK(is_durable(ticket) ? synced >= result.second : synced == 0);
  }
  const ScanResult scan = segment->scan({.position = 0, .max_bytes = 1 << 30, .max_rows = 10000, .verify_crc = true});
  CHECK_EQ(scan.rows.size(), kBatches * kScanRowBytes);
}

// The failing group, what is behind it, the cut that repairs, the reset, and life after it.
void failure() {
  signal(SIGXFSZ, SIG_IGN);
  World world;
  auto strand = std::make_shared<Strand>(world.completions.channel, *world.queue);
  auto good = world.segment("good");
  auto full = world.segment("full");
  strand->submit(world.append(good, 0, 0, 300));
  CHECK_EQ(world.completions.status_of(0), 0);
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit small = {1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  strand->submit(world.append(full, 0, 1, 2000));
  strand->submit(world.append(good, 1, 2));
  strand->submit(World::other(StrandJob::Kind::Seal, good, 3));
  strand->submit(World::other(StrandJob::Kind::Truncate, good, 4));  // runs all the same
  strand->submit(world.append(good, 0, 5));
  const auto results = world.completions.wait(5);
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK_EQ(results.at(1).first, -EFBIG);
  CHECK_EQ(results.at(2).first, -ECANCELED);
  CHECK_EQ(results.at(3).first, -ECANCELED);
  CHECK_EQ(results.at(4).first, 0);
  CHECK_EQ(results.at(5).first, -ECANCELED);
  CHECK_EQ(good->figures().size, 0u);
  CHECK_EQ(full->figures().size, 0u);
  StrandJob reset;
  reset.kind = StrandJob::Kind::Reset;
  strand->submit(std::move(reset));
  strand->submit(world.append(good, 0, 6));
  strand->submit(world.append(full, 0, 7, 2000));
  const auto after = world.completions.wait(2);
  CHECK_EQ(after.at(6).first, 0);
  CHECK_EQ(after.at(7).first, 0);
}

// A full lane refuses; what comes later is not written around the gap.
void full_lane() {
  World world(1);
  auto segment = world.segment("refused");
  std::mutex gate;
  gate.lock();
  // Three workers held, one job waiting: the lane is full.
  int held = 0;
  while (held < 4) {
    if (world.queue->submit(Lane::Append, segment->place(), [&gate] { std::lock_guard wait(gate); })) held++;
  }
  auto strand = std::make_shared<Strand>(world.completions.channel, *world.queue);
  strand->submit(world.append(segment, 0, 0));
  CHECK_EQ(world.completions.status_of(0), -EAGAIN);
  gate.unlock();
  strand->submit(world.append(segment, 1, 1));
  CHECK_EQ(world.completions.status_of(1), -ECANCELED);
  StrandJob reset;
  reset.kind = StrandJob::Kind::Reset;
  strand->submit(std::move(reset));
  int status;
  int ticket = 2;
  do {
    strand->submit(world.append(segment, 0, ticket));
    status = world.completions.status_of(ticket);
    StrandJob again;
    again.kind = StrandJob::Kind::Reset;
    strand->submit(std::move(again));
    ticket++;
  } while (status == -EAGAIN);
  CHECK_EQ(status, 0);
}

// A folder whose threads are all held up holds up no other.
void places() {
  World world(1);
  auto segment = world.segment("elsewhere");
  std::mutex gate;
  gate.lock();
  for (const Lane lane : {Lane::Append, Lane::Read, Lane::Flush, Lane::Maintenance}) {
    while (world.queue->submit(lane, segment->place() + 1, [&gate] { std::lock_guard wait(gate); })) {
    }
  }
  auto strand = std::make_shared<Strand>(world.completions.channel, *world.queue);
  strand->submit(world.append(segment, 0, 0));
  CHECK_EQ(world.completions.status_of(0), 0);
  for (const Lane lane : {Lane::Read, Lane::Flush, Lane::Maintenance}) {
    CHECK(world.queue->submit(lane, segment->place(), [&world] { world.completions.channel.complete(1, 0); }));
    CHECK_EQ(world.completions.status_of(1), 0);
  }
  CHECK_EQ(world.segment("neighbour")->place(), segment->place());
  gate.unlock();
}

// However many patient jobs wait, and wherever they are held up: a prompt one finds a thread.
void patience() {
  World world;
  std::mutex gate;
  gate.lock();
  std::atomic<int> run{0};
  for (int i = 0; i < 100; i++)
    CHECK(world.queue->submit(Lane::Append, 7, [&] { std::lock_guard wait(gate); run++; }, Urgency::Patient));
  for (int i = 0; i < 20; i++) {
    CHECK(world.queue->submit(Lane::Append, 7, [&world, i] { world.completions.channel.complete(i, 0); }));
    CHECK_EQ(world.completions.status_of(i), 0);
  }
  CHECK_EQ(run.load(), 0);
  gate.unlock();
  world.queue->stop();
  CHECK_EQ(run.load(), 100);
}

// stop() runs what is queued.
void stopping() {
  World world;
  auto segment = world.segment("stopping");
  auto strand = std::make_shared<Strand>(world.completions.channel, *world.queue);
  for (int i = 0; i < 500; i++) strand->submit(world.append(segment, i, i));
  strand.reset();
  world.queue->stop();
  CHECK_EQ(segment->figures().size, 100000u);
  CHECK(!world.queue->submit(Lane::Read, 0, [] {}));
  const auto results = world.completions.wait(500);
  for (const auto& [ticket, result] : results) CHECK_EQ(result.first, 0);
}

// A file that can't be made is told to who asked for it. What comes next is not held against it.
void preparing() {
  World world;
  auto strand = std::make_shared<Strand>(world.completions.channel, *world.queue);
  auto nowhere = world.segment("no-such-folder/nowhere");
  auto good = world.segment("prepared");
  strand->submit(World::other(StrandJob::Kind::Prepare, nowhere, 0));
  strand->submit(world.append(good, 0, 1));
  strand->submit(World::other(StrandJob::Kind::Prepare, good, 2));
  const auto results = world.completions.wait(3);
  CHECK_EQ(results.at(0).first, -ENOENT);
  CHECK_EQ(results.at(1).first, 0);
  CHECK_EQ(results.at(2).first, 0);
  CHECK_EQ(results.at(2).second, 200.0);
}

}  // namespace

int main() {
  preparing();
  order();
  durable();
  failure();
  full_lane();
  places();
  patience();
  stopping();
}
