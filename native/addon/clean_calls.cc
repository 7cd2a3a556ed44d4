#include "clean_calls.h"

#include <cerrno>
#include <climits>

#include "../log_clean.h"
#include "arguments.h"
#include "disk_job.h"
#include "handles.h"
#include "methods.h"

namespace sluice {
namespace {

using Info = const Napi::CallbackInfo&;

constexpr double kMaxSlots = 0x7fffffff;
constexpr std::size_t kAbortedFields = 4;
constexpr std::size_t kProducerFields = 3;
constexpr std::size_t kFigures = 5;

std::vector<std::uint8_t> copy_argument(Info info, std::size_t index) {
  const Bytes bytes = bytes_argument(info, index);
  return {bytes.data, bytes.data + bytes.length};
}

std::uint64_t count_argument(Info info, std::size_t index) { return static_cast<std::uint64_t>(integer_argument(info, index, 0, kMaxSafeInteger)); }

}  // namespace

struct CleanCalls::State {
  EventChannel& events;
  std::shared_ptr<FramePool> frames;
  DiskQueue& queue;
  FindSegment find_segment;
  Handles<LogClean> cleans{0};
  Place last_place = 0;
  bool closed = false;

  std::shared_ptr<LogClean> clean(Info info) const {
    std::shared_ptr<LogClean> found = cleans.find(handle_argument(info, 0));
    if (!found) throw std::out_of_range("unknown clean");
    return found;
  }
  std::shared_ptr<Segment> segment(Info info, std::size_t index) const {
    std::shared_ptr<Segment> found = find_segment(handle_argument(info, index));
    if (!found) throw std::out_of_range("unknown segment");
    return found;
  }

  using Values = JobValues;

  // As run_later, on the maintenance lane.
  template <typename Work>
  void later(Place place, double ticket, Work work) {
    last_place = place;
    run_later(events, queue, Lane::Maintenance, place, ticket, std::move(work));
  }

  // The bytes as a frame that JavaScript owns.
  static int give(FramePool& pool, const std::vector<std::uint8_t>& bytes, Values& values) {
    FrameRef frame = pool.allocate(bytes.size());
    if (!frame) return -ENOMEM;
    std::copy(bytes.begin(), bytes.end(), frame.data());
    values.a = static_cast<double>(frame.detach());
    return 0;
  }

  static int give(FramePool& pool, const CleanPiece& piece, Values& values) {
    values.b = static_cast<double>(piece.position);
    if (piece.status != static_cast<int>(CleanStep::Compressed)) return piece.status;
    const int given = give(pool, piece.batch, values);
    return given < 0 ? given : piece.status;
  }

  Napi::Value open(Info info) {
    const auto slots = static_cast<std::size_t>(integer_argument(info, 0, 1, kMaxSlots));
    const auto most_keys = static_cast<std::size_t>(integer_argument(info, 1, 1, kMaxSlots));
    const auto buffer = static_cast<std::size_t>(integer_argument(info, 2, 0, 1 << 30));
    return Napi::Number::New(info.Env(), cleans.add(std::make_shared<LogClean>(slots, most_keys, buffer)));
  }

  Napi::Value begin_map(Info info) {
    clean(info)->begin_map(integer_argument(info, 1, 0, kMaxSafeInteger));
    return info.Env().Undefined();
  }

  Napi::Value aborted(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const Doubles rows = doubles_argument(info, 1, 0);
    std::vector<AbortedTransaction> transactions;
    for (std::size_t at = 0; at + kAbortedFields <= rows.length; at += kAbortedFields) {
      const double* row = rows.data + at;
      transactions.push_back({static_cast<std::int64_t>(row[0]), static_cast<std::int64_t>(row[1]), static_cast<std::int64_t>(row[2]), static_cast<std::int64_t>(row[3])});
    }
    target->add_aborted(transactions.data(), transactions.size());
    return info.Env().Undefined();
  }

  Napi::Value map(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const std::shared_ptr<Segment> source = segment(info, 1);
    const std::uint64_t position = count_argument(info, 2);
    const std::uint64_t max_bytes = count_argument(info, 3);
    later(source->place(), number_argument(info, 4), [=, pool = frames](Values& values) { return give(*pool, target->map(*source, position, max_bytes), values); });
    return info.Env().Undefined();
  }

  Napi::Value map_records(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const std::shared_ptr<Segment> source = segment(info, 1);
    later(source->place(), number_argument(info, 3),
          [target, records = copy_argument(info, 2)](Values&) { return target->map_records(records.data(), records.size()); });
    return info.Env().Undefined();
  }

  Napi::Value mapped(Info info) {
    clean(info)->mapped_to(integer_argument(info, 1, 0, kMaxSafeInteger));
    return info.Env().Undefined();
  }

  Napi::Value begin_filter(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    CleanRules rules;
    rules.now_ms = integer_argument(info, 1, 0, kMaxSafeInteger);
    rules.delete_retention_ms = integer_argument(info, 2, 0, kMaxSafeInteger);
    rules.end_offset = integer_argument(info, 3, 0, kMaxSafeInteger);
    const Doubles rows = doubles_argument(info, 4, 0);
    std::unordered_map<std::int64_t, ActiveProducer> producers;
    for (std::size_t at = 0; at + kProducerFields <= rows.length; at += kProducerFields) {
      const double* row = rows.data + at;
      producers[static_cast<std::int64_t>(row[0])] = {static_cast<std::int64_t>(row[1]), static_cast<std::int16_t>(row[2])};
    }
    target->begin_filter(rules, std::move(producers));
    return info.Env().Undefined();
  }

  Napi::Value filter(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const std::shared_ptr<Segment> source = segment(info, 1);
    const std::shared_ptr<Segment> into = segment(info, 2);
    const std::uint64_t position = count_argument(info, 3);
    const std::uint64_t max_bytes = count_argument(info, 4);
    later(source->place(), number_argument(info, 5),
          [=, pool = frames](Values& values) { return give(*pool, target->filter(*source, *into, position, max_bytes), values); });
    return info.Env().Undefined();
  }

  Napi::Value filter_records(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const std::shared_ptr<Segment> into = segment(info, 1);
    later(into->place(), number_argument(info, 3), [target, into, pool = frames, records = copy_argument(info, 2)](Values& values) {
      std::vector<std::uint8_t> rewritten;
      const int status = target->filter_records(*into, records.data(), records.size(), rewritten);
      if (status != static_cast<int>(CleanStep::Compressed)) return status;
      const int given = give(*pool, rewritten, values);
      return given < 0 ? given : status;
    });
    return info.Env().Undefined();
  }

  Napi::Value write(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const std::shared_ptr<Segment> into = segment(info, 1);
    later(into->place(), number_argument(info, 3),
          [target, into, batch = copy_argument(info, 2)](Values&) mutable { return target->write(*into, std::move(batch)); });
    return info.Env().Undefined();
  }

  Napi::Value finish(Info info) {
    const std::shared_ptr<LogClean> target = clean(info);
    const std::shared_ptr<Segment> into = segment(info, 1);
    later(into->place(), number_argument(info, 2), [target, into](Values& values) {
      std::uint64_t size = 0;
      const int status = target->finish(*into, size);
      values.a = static_cast<double>(size);
      return status;
    });
    return info.Env().Undefined();
  }

  Napi::Value kept_aborted(Info info) {
    const std::vector<AbortedTransaction> kept = clean(info)->take_kept_aborted();
    Napi::Float64Array rows = Napi::Float64Array::New(info.Env(), kept.size() * kAbortedFields);
    std::size_t at = 0;
    for (const AbortedTransaction& one : kept)
      for (const std::int64_t field : {one.producer_id, one.first_offset, one.last_offset, one.last_stable_offset}) rows[at++] = static_cast<double>(field);
    return rows;
  }

  Napi::Value figures(Info info) {
    const CleanFigures figures = clean(info)->figures();
    const Doubles into = doubles_argument(info, 1, kFigures);
    into.data[0] = static_cast<double>(figures.latest_offset);
    into.data[1] = static_cast<double>(figures.keys);
    into.data[2] = static_cast<double>(figures.records_read);
    into.data[3] = static_cast<double>(figures.records_kept);
    into.data[4] = static_cast<double>(figures.without_key);
    return info.Env().Undefined();
  }

  Napi::Value drop(Info info) {
    std::shared_ptr<LogClean> gone = cleans.take(handle_argument(info, 0));
    if (!gone) throw std::out_of_range("unknown clean");
    // Giving back a map of 128 MiB takes milliseconds: not on this thread, unless the lane refuses.
    if (last_place != 0) (void)queue.submit(Lane::Maintenance, last_place, [last = std::move(gone)] {});
    return info.Env().Undefined();
  }
};

CleanCalls::CleanCalls(EventChannel& events, std::shared_ptr<FramePool> frames, DiskQueue& queue, FindSegment segments)
    : state_(new State{events, std::move(frames), queue, std::move(segments)}) {}

CleanCalls::~CleanCalls() { close(); }

void CleanCalls::close() {
  if (state_->closed) return;
  state_->closed = true;
  state_->cleans.clear();
  state_->frames.reset();
}

void CleanCalls::define(Napi::Env env, Napi::Object target) {
  const auto set = method_setter(env, target, state_);
  set("cleanOpen", &State::open);
  set("cleanBeginMap", &State::begin_map);
  set("cleanAborted", &State::aborted);
  set("cleanMap", &State::map);
  set("cleanMapRecords", &State::map_records);
  set("cleanMapped", &State::mapped);
  set("cleanBeginFilter", &State::begin_filter);
  set("cleanFilter", &State::filter);
  set("cleanFilterRecords", &State::filter_records);
  set("cleanWrite", &State::write);
  set("cleanFinish", &State::finish);
  set("cleanKeptAborted", &State::kept_aborted);
  set("cleanFigures", &State::figures);
  set("cleanDrop", &State::drop);
}

}  // namespace sluice
