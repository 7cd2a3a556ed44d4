// The calls of SegmentCalls that read: look-ups, bytes, scans, checks of indexes.
#include <algorithm>
#include <cerrno>
#include <climits>

#include "segment_calls_state.h"

namespace sluice {
namespace {

// One answer of a scan: 72 MiB of rows at most.
constexpr std::int64_t kMaxScanRows = 1 << 20;

// Bits of ScanFlag.
constexpr std::int64_t kVerifyCrc = 1;
constexpr std::int64_t kRebuildIndexes = 2;
constexpr std::int64_t kOnlyIdempotent = 4;
constexpr std::int64_t kOnlyNews = 8;

// What the disk reads for a look-up: the kernel reads ahead.
constexpr std::uint64_t kLookUpBytes = 128 * 1024;

}  // namespace

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

}  // namespace sluice
