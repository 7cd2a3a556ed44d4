#include "segment_calls.h"

#include <climits>

#include "../record_batch.h"
#include "methods.h"
#include "segment_calls_state.h"

namespace sluice {
namespace {

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
  job.durable = !info[8].IsUndefined() && integer_argument(info, 8, 0, 1) == 1;
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

}  // namespace sluice
