#include "segment_calls.h"

#include <cerrno>
#include <climits>
#include <new>

#include "../crc32c.h"
#include "../record_batch.h"
#include "../segment.h"
#include "../strand.h"
#include "arguments.h"
#include "disk_job.h"
#include "handles.h"
#include "methods.h"

namespace sluice {
namespace {

constexpr double kMaxOffset = kMaxSafeInteger;
// One answer of a scan: 72 MiB of rows at most.
constexpr std::int64_t kMaxScanRows = 1 << 20;

// Bits of ScanFlag.
constexpr std::int64_t kVerifyCrc = 1;
constexpr std::int64_t kRebuildIndexes = 2;
constexpr std::int64_t kOnlyIdempotent = 4;
constexpr std::int64_t kOnlyNews = 8;

// 8 MiB when all are in use: the indexes of 2 GiB of log with an entry every 4 KiB, of 500 GiB where batches have a MiB.
constexpr std::size_t kIndexBlocks = 4096;

// What the disk reads for a look-up: the kernel reads ahead.
constexpr std::uint64_t kLookUpBytes = 128 * 1024;

}  // namespace

struct SegmentCalls::State {
  State(EventChannel& channel, std::shared_ptr<FramePool> pool, DiskQueue& disk, std::size_t open_segments, UrgencyOf urgency)
      : events(channel), frames(std::move(pool)), queue(disk), urgency_of(std::move(urgency)), open_files(std::make_shared<OpenFiles>(open_segments)) {}

  EventChannel& events;
  std::shared_ptr<FramePool> frames;
  DiskQueue& queue;
  const UrgencyOf urgency_of;
  const std::shared_ptr<OpenFiles> open_files;
  const std::shared_ptr<IndexBlocks> index_blocks = std::make_shared<IndexBlocks>(kIndexBlocks);
  Handles<Segment> segments{0};
  Handles<Strand> strands{1};
  bool closed = false;

  std::shared_ptr<Segment> segment(const Napi::CallbackInfo& info) const {
    std::shared_ptr<Segment> found = segments.find(handle_argument(info, 0));
    if (!found) throw std::out_of_range("unknown segment");
    return found;
  }
  std::shared_ptr<Strand> strand(const Napi::CallbackInfo& info, std::size_t index) const {
    std::shared_ptr<Strand> found = strands.find(handle_argument(info, index));
    if (!found) throw std::out_of_range("unknown strand");
    return found;
  }

  // A range of a frame, arguments 0-2 from `first` on.
  FrameRef frame_range(const Napi::CallbackInfo& info, std::size_t first, std::size_t& offset, std::size_t& length) const {
    FrameRef frame = frames->find(handle_argument(info, first));
    if (!frame) throw std::out_of_range("unknown frame");
    offset = static_cast<std::size_t>(integer_argument(info, first + 1, 0, static_cast<double>(frame.size())));
    length = static_cast<std::size_t>(integer_argument(info, first + 2, 0, static_cast<double>(frame.size() - offset)));
    return frame;
  }

  using Values = JobValues;

  // Runs `work(values) -> status` on a lane and completes `ticket`, exactly once.
  template <typename Work>
  void later(Lane lane, Place place, double ticket, Work work, Urgency urgency = Urgency::Prompt) {
    run_later(events, queue, lane, place, ticket, std::move(work), urgency);
  }

  static void place(const BatchPlace& place, Values& values) {
    values = {static_cast<double>(place.position), static_cast<double>(place.base_offset), static_cast<double>(place.bytes)};
  }

  Napi::Value strand_open(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), strands.add(std::make_shared<Strand>(events, queue)));
  }
  Napi::Value strand_reset(const Napi::CallbackInfo& info);
  Napi::Value strand_close(const Napi::CallbackInfo& info);
  Napi::Value strand_counters(const Napi::CallbackInfo& info);
  Napi::Value segment_open(const Napi::CallbackInfo& info);
  Napi::Value segment_moved(const Napi::CallbackInfo& info);
  Napi::Value segment_prepare(const Napi::CallbackInfo& info);
  Napi::Value segment_keep_open(const Napi::CallbackInfo& info);
  Napi::Value segment_append(const Napi::CallbackInfo& info);
  Napi::Value segment_seal(const Napi::CallbackInfo& info);
  Napi::Value segment_flush(const Napi::CallbackInfo& info);
  Napi::Value segment_truncate(const Napi::CallbackInfo& info);
  Napi::Value segment_locate(const Napi::CallbackInfo& info);
  Napi::Value segment_locate_later(const Napi::CallbackInfo& info);
  Napi::Value segment_locate_timestamp(const Napi::CallbackInfo& info);
  Napi::Value segment_indexed_offset(const Napi::CallbackInfo& info);
  Napi::Value segment_read(const Napi::CallbackInfo& info);
  Napi::Value segment_scan(const Napi::CallbackInfo& info);
  Napi::Value segment_check_indexes(const Napi::CallbackInfo& info);
  Napi::Value segment_stat(const Napi::CallbackInfo& info);
  Napi::Value segment_close(const Napi::CallbackInfo& info);
  Napi::Value check_batches(const Napi::CallbackInfo& info);
  Napi::Value restamp_crc(const Napi::CallbackInfo& info);
};

using Info = const Napi::CallbackInfo&;

namespace {

double ticket_argument(Info info, std::size_t index) { return number_argument(info, index); }

std::string path_argument(Info info, std::size_t index) {
  std::string path = string_argument(info, index);
  if (path.empty() || path.find('\0') != std::string::npos) throw std::out_of_range("a path must not be empty or hold a zero byte");
  return path;
}

}  // namespace

Napi::Value SegmentCalls::State::strand_reset(Info info) {
  StrandJob job;
  job.kind = StrandJob::Kind::Reset;
  strand(info, 0)->submit(std::move(job));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::strand_close(Info info) {
  if (!strands.take(handle_argument(info, 0))) throw std::out_of_range("unknown strand");
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::strand_counters(Info info) {
  const std::shared_ptr<Strand> counted = strand(info, 0);
  const Doubles into = doubles_argument(info, 1, kLogCounters);
  for (std::size_t i = 0; i < kLogCounters; i++) into.data[i] = static_cast<double>(counted->meter()->get(i));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_open(Info info) {
  SegmentOptions options;
  options.path = path_argument(info, 0);
  options.base_offset = integer_argument(info, 1, 0, kMaxOffset);
  options.size = integer_argument(info, 2, -1, kMaxOffset);
  options.index_bytes = static_cast<std::size_t>(integer_argument(info, 3, 0, INT_MAX));
  options.index_interval_bytes = static_cast<std::uint64_t>(integer_argument(info, 4, 0, kMaxSafeInteger));
  if (!info[5].IsUndefined()) options.meter = strand(info, 5)->meter();
  if (!info[6].IsUndefined()) options.reserve_bytes = static_cast<std::uint64_t>(integer_argument(info, 6, 0, INT_MAX));
  if (!info[7].IsUndefined()) options.state = path_argument(info, 7);
  options.read_only = info[8].IsBoolean() && info[8].As<Napi::Boolean>().Value();
  options.open_files = open_files;
  options.index_blocks = index_blocks;
  return Napi::Number::New(info.Env(), segments.add(std::make_shared<Segment>(std::move(options))));
}

Napi::Value SegmentCalls::State::segment_moved(Info info) {
  segment(info)->moved(path_argument(info, 1));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_prepare(Info info) {
  StrandJob job;
  job.kind = StrandJob::Kind::Prepare;
  job.segment = segment(info);
  const std::shared_ptr<Strand> order = strand(info, 1);
  job.ticket = ticket_argument(info, 2);
  order->submit(std::move(job));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_keep_open(Info info) {
  const std::shared_ptr<Segment> target = segment(info);
  later(Lane::Maintenance, target->place(), ticket_argument(info, 1), [target](Values&) { return target->keep_open(); });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_append(Info info) {
  StrandJob job;
  job.kind = StrandJob::Kind::Append;
  job.segment = segment(info);
  const std::shared_ptr<Strand> order = strand(info, 1);
  job.frame = frame_range(info, 2, job.offset, job.length);
  const std::int64_t base_offset = integer_argument(info, 5, 0, kMaxOffset);
  const auto leader_epoch = static_cast<std::int32_t>(integer_argument(info, 6, INT32_MIN, INT32_MAX));
  job.ticket = ticket_argument(info, 7);
  const std::uint8_t* batch = job.frame.data() + job.offset;
  if (!is_one_batch(batch, job.length)) throw std::out_of_range("the range is not one batch");
  std::copy_n(batch, kBatchHeaderBytes, job.stamped.begin());
  stamp(job.stamped.data(), base_offset, leader_epoch);
  order->submit(std::move(job));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_seal(Info info) {
  StrandJob job;
  job.kind = StrandJob::Kind::Seal;
  job.segment = segment(info);
  const std::shared_ptr<Strand> order = strand(info, 1);
  job.max_timestamp = integer_argument(info, 2, -kMaxSafeInteger, kMaxSafeInteger);
  job.offset_of_max_timestamp = integer_argument(info, 3, -1, kMaxOffset);
  job.ticket = ticket_argument(info, 4);
  order->submit(std::move(job));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_flush(Info info) {
  const std::shared_ptr<Segment> target = segment(info);
  const bool indexes = integer_argument(info, 2, 0, 1) == 1;
  later(Lane::Flush, target->place(), ticket_argument(info, 1), [target, indexes](Values& values) {
    std::uint64_t durable = 0;
    const int status = target->flush(durable, indexes);
    values.a = static_cast<double>(durable);
    return status;
  });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_truncate(Info info) {
  StrandJob job;
  job.kind = StrandJob::Kind::Truncate;
  job.segment = segment(info);
  const std::shared_ptr<Strand> order = strand(info, 1);
  job.position = static_cast<std::uint64_t>(integer_argument(info, 2, 0, kMaxSafeInteger));
  job.ticket = ticket_argument(info, 3);
  order->submit(std::move(job));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_locate(Info info) {
  const std::shared_ptr<Segment> target = segment(info);
  const std::int64_t offset = integer_argument(info, 1, 0, kMaxOffset);
  const Doubles into = doubles_argument(info, 2, 3);
  const auto limit = static_cast<std::uint64_t>(integer_argument(info, 3, 0, kMaxSafeInteger));
  BatchPlace found;
  // Errors too are told by the disk thread's form.
  if (target->locate(offset, Wait::No, found, limit) < 0) return Napi::Number::New(info.Env(), 0);
  Values values;
  place(found, values);
  into.data[0] = values.a;
  into.data[1] = values.b;
  into.data[2] = values.c;
  return Napi::Number::New(info.Env(), 1);
}

Napi::Value SegmentCalls::State::segment_locate_later(Info info) {
  const std::int64_t offset = integer_argument(info, 1, 0, kMaxOffset);
  const auto limit = static_cast<std::uint64_t>(integer_argument(info, 2, 0, kMaxSafeInteger));
  const std::shared_ptr<Segment> target = segment(info);
  const double ticket = ticket_argument(info, 3);
  const auto work = [target, offset, limit](Values& values) {
    BatchPlace found;
    const int status = target->locate(offset, Wait::Yes, found, limit);
    if (status >= 0) place(found, values);
    return status;
  };
  const std::uint64_t connection = handle_argument(info, 4);
  later(Lane::Read, target->place(), ticket, work, connection == 0 ? Urgency::Prompt : urgency_of(connection, kLookUpBytes));
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_locate_timestamp(Info info) {
  const std::int64_t timestamp = integer_argument(info, 1, -kMaxSafeInteger, kMaxSafeInteger);
  const std::shared_ptr<Segment> target = segment(info);
  later(Lane::Read, target->place(), ticket_argument(info, 2), [target, timestamp](Values& values) {
    BatchPlace found;
    const int status = target->locate_timestamp(timestamp, found);
    if (status >= 0) place(found, values);
    return status;
  });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_indexed_offset(Info info) {
  const auto position = static_cast<std::uint64_t>(integer_argument(info, 1, 0, kMaxSafeInteger));
  const std::shared_ptr<Segment> target = segment(info);
  later(Lane::Read, target->place(), ticket_argument(info, 2), [target, position](Values& values) {
    std::int64_t offset;
    const int status = target->indexed_offset(position, offset);
    values.a = static_cast<double>(offset);
    return status;
  });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_read(Info info) {
  const auto position = static_cast<std::uint64_t>(integer_argument(info, 1, 0, kMaxSafeInteger));
  const auto length = static_cast<std::size_t>(integer_argument(info, 2, 0, INT_MAX));
  const std::shared_ptr<Segment> target = segment(info);
  later(Lane::Read, target->place(), ticket_argument(info, 3), [target, pool = frames, position, length](Values& values) {
    FrameRef frame;
    const int status = target->read(position, length, *pool, frame);
    if (status < 0 || !frame) return status;
    values.b = static_cast<double>(frame.size());
    values.a = static_cast<double>(frame.detach());
    return status;
  });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_scan(Info info) {
  ScanRequest request;
  request.position = static_cast<std::uint64_t>(integer_argument(info, 1, 0, kMaxSafeInteger));
  request.max_bytes = static_cast<std::uint64_t>(integer_argument(info, 2, 1, kMaxSafeInteger));
  request.max_rows = static_cast<std::uint64_t>(std::min<std::int64_t>(integer_argument(info, 3, 1, kMaxSafeInteger), kMaxScanRows));
  const std::int64_t flags = integer_argument(info, 4, 0, 15);
  request.verify_crc = (flags & kVerifyCrc) != 0;
  request.rebuild_indexes = (flags & kRebuildIndexes) != 0;
  request.only_idempotent = (flags & kOnlyIdempotent) != 0;
  request.only_news = (flags & kOnlyNews) != 0;
  const std::shared_ptr<Segment> target = segment(info);
  later(Lane::Recovery, target->place(), ticket_argument(info, 5), [target, pool = frames, request](Values& values) {
    const ScanResult result = target->scan(request);
    values.b = static_cast<double>(result.position);
    values.c = static_cast<double>(static_cast<int>(result.fault));
    if (result.status < 0 || result.rows.empty()) return result.status;
    FrameRef frame = pool->allocate(result.rows.size());
    if (!frame) return -ENOMEM;
    std::copy(result.rows.begin(), result.rows.end(), frame.data());
    values.a = static_cast<double>(frame.detach());
    return result.status;
  });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_check_indexes(Info info) {
  const std::shared_ptr<Segment> target = segment(info);
  later(Lane::Recovery, target->place(), ticket_argument(info, 1), [target](Values&) { return target->check_indexes(); });
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_stat(Info info) {
  const SegmentFigures figures = segment(info)->figures();
  const Doubles into = doubles_argument(info, 1, 7);
  into.data[0] = static_cast<double>(figures.size);
  into.data[1] = static_cast<double>(figures.offset_entries);
  into.data[2] = static_cast<double>(figures.time_entries);
  into.data[3] = static_cast<double>(figures.last_timestamp);
  into.data[4] = static_cast<double>(figures.last_timestamp_offset);
  into.data[5] = static_cast<double>(figures.truncations);
  into.data[6] = figures.open ? 1 : 0;
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::segment_close(Info info) {
  std::shared_ptr<Segment> target = segments.take(handle_argument(info, 0));
  if (!target) throw std::out_of_range("unknown segment");
  // The last close of a deleted file frees its blocks, which can take milliseconds: not on this thread, unless the lane refuses.
  const Place place = target->place();
  (void)queue.submit(Lane::Maintenance, place, [last = std::move(target)] {});
  return info.Env().Undefined();
}

Napi::Value SegmentCalls::State::check_batches(Info info) {
  std::size_t offset;
  std::size_t length;
  const FrameRef frame = frame_range(info, 0, offset, length);
  return Napi::Number::New(info.Env(), sluice::check_batches(frame.data() + offset, length, info[3].ToBoolean()));
}

Napi::Value SegmentCalls::State::restamp_crc(Info info) {
  std::size_t offset;
  std::size_t length;
  const FrameRef frame = frame_range(info, 0, offset, length);
  if (!is_one_batch(frame.data() + offset, length)) throw std::out_of_range("the range is not one batch");
  sluice::restamp_crc(frame.data() + offset, length);
  return info.Env().Undefined();
}

SegmentCalls::SegmentCalls(EventChannel& events, std::shared_ptr<FramePool> frames, DiskQueue& queue, std::size_t open_segments, UrgencyOf urgency_of)
    : state_(std::make_shared<State>(events, std::move(frames), queue, open_segments, std::move(urgency_of))) {}

SegmentCalls::~SegmentCalls() { close(); }

void SegmentCalls::close() {
  if (state_->closed) return;
  state_->closed = true;
  state_->segments.clear();
  state_->strands.clear();
  state_->frames.reset();
}

std::shared_ptr<Segment> SegmentCalls::find(std::uint64_t segment) const { return state_->segments.find(segment); }

std::optional<FileRegion> SegmentCalls::region(double segment, double position, double length) {
  const auto whole = [](double number) { return number >= 0 && number <= kMaxSafeInteger && number == std::floor(number); };
  if (!whole(segment) || !whole(position) || !whole(length)) return std::nullopt;
  const std::shared_ptr<Segment> target = state_->segments.find(static_cast<std::uint64_t>(segment));
  return target ? target->region(static_cast<std::uint64_t>(position), static_cast<std::uint64_t>(length)) : std::nullopt;
}

void SegmentCalls::define(Napi::Env env, Napi::Object target) {
  const auto set = method_setter(env, target, state_);
  set("strandOpen", &State::strand_open);
  set("strandReset", &State::strand_reset);
  set("strandClose", &State::strand_close);
  set("strandCounters", &State::strand_counters);
  set("segmentOpen", &State::segment_open);
  set("segmentMoved", &State::segment_moved);
  set("segmentPrepare", &State::segment_prepare);
  set("segmentKeepOpen", &State::segment_keep_open);
  set("segmentAppend", &State::segment_append);
  set("segmentSeal", &State::segment_seal);
  set("segmentFlush", &State::segment_flush);
  set("segmentTruncate", &State::segment_truncate);
  set("segmentLocate", &State::segment_locate);
  set("segmentLocateLater", &State::segment_locate_later);
  set("segmentLocateTimestamp", &State::segment_locate_timestamp);
  set("segmentIndexedOffset", &State::segment_indexed_offset);
  set("segmentRead", &State::segment_read);
  set("segmentScan", &State::segment_scan);
  set("segmentCheckIndexes", &State::segment_check_indexes);
  set("segmentStat", &State::segment_stat);
  set("segmentClose", &State::segment_close);
  set("checkBatches", &State::check_batches);
  set("restampCrc", &State::restamp_crc);
}

void DefineCrc(Napi::Env env, Napi::Object exports) {
  exports.Set("crc32c", Napi::Function::New(
                            env,
                            [](Info info) {
                              return guarded(info, [&]() -> Napi::Value {
                                const Bytes bytes = bytes_argument(info, 0);
                                const std::int64_t seed = info[1].IsUndefined() ? 0 : integer_argument(info, 1, 0, 4294967295.0);
                                return Napi::Number::New(info.Env(), crc32c(bytes.data, bytes.length, static_cast<std::uint32_t>(seed)));
                              });
                            },
                            "crc32c"));
  exports.Set("crc32cImplementation", Napi::String::New(env, crc32c_name(crc32c_implementation())));
}

}  // namespace sluice
