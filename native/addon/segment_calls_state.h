// What SegmentCalls is made of: the segments and strands that JavaScript has handles of. Its calls stand in segment_calls.cc, those that read in
// segment_reads.cc.
#pragma once

#include "../open_files.h"
#include "../strand.h"
#include "arguments.h"
#include "disk_job.h"
#include "handles.h"
#include "segment_calls.h"

namespace sluice {

using Info = const Napi::CallbackInfo&;

inline constexpr double kMaxOffset = kMaxSafeInteger;

// 8 MiB when all are in use: the indexes of 2 GiB of log with an entry every 4 KiB, of 500 GiB where batches have a MiB.
inline constexpr std::size_t kIndexBlocks = 4096;

inline double ticket_argument(Info info, std::size_t index) { return number_argument(info, index); }

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

}  // namespace sluice
