// One compaction of one log, after Kafka's Cleaner: a pass that notes the newest offset of each key in the dirty part, and a pass that writes the log
// again without what is out of date.
//
// Both go segment by segment in pieces, so that a caller can throttle and stop them. A compressed batch ends a piece: its bytes are handed out, and
// its records come back decompressed. Decisions are made here; reading settings, choosing segments and renaming files is the caller's.
//
// Threads: disk threads, one call at a time (a lock sees to it).
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cleaned_transactions.h"
#include "offset_map.h"
#include "record_filter.h"
#include "segment.h"

namespace sluice {

enum class CleanStep : int { End = 0, More = 1, Compressed = 2, Full = 3 };

struct CleanPiece {
  int status = 0;              // CleanStep or -errno; -EBADMSG: not a sound batch at `position`
  std::uint64_t position = 0;  // where to go on: behind the last batch that was dealt with or handed out
  std::vector<std::uint8_t> batch;  // Compressed: the batch whose records are wanted
};

struct CleanRules {
  std::int64_t now_ms = 0;
  std::int64_t delete_retention_ms = 0;
  // The batch that ends right before it stays, even empty: it tells where the cleaned part ends.
  std::int64_t end_offset = 0;
};

// Its last record must stay as an empty batch. last_offset -1: it has only ended a transaction, and the marker stays.
struct ActiveProducer {
  std::int64_t last_offset;
  std::int16_t epoch;
};

struct CleanFigures {
  std::int64_t latest_offset = -1;
  std::size_t keys = 0;
  std::uint64_t records_read = 0;
  std::uint64_t records_kept = 0;
  std::uint64_t without_key = 0;
};

class LogClean {
 public:
  LogClean(std::size_t slots, std::size_t most_keys, std::size_t buffer_bytes);

  // First pass: offsets below `start` are left alone.
  void begin_map(std::int64_t start);
  void add_aborted(const AbortedTransaction* transactions, std::size_t count);
  CleanPiece map(Segment& source, std::uint64_t position, std::uint64_t max_bytes);
  // The records of the compressed batch that map() handed out. CleanStep::End or Full, or -errno.
  int map_records(const std::uint8_t* records, std::size_t length);
  // All below `offset` is mapped, also where the segment ends in a gap.
  void mapped_to(std::int64_t offset);

  // Second pass.
  void begin_filter(const CleanRules& rules, std::unordered_map<std::int64_t, ActiveProducer> producers);
  CleanPiece filter(Segment& source, Segment& into, std::uint64_t position, std::uint64_t max_bytes);
  // As map_records. CleanStep::Compressed: `rewritten` holds the batch with what stays of the records, to be compressed and given to write().
  int filter_records(Segment& into, const std::uint8_t* records, std::size_t length, std::vector<std::uint8_t>& rewritten);
  // Appends a batch whose records were compressed anew. Length and CRC are set here.
  int write(Segment& into, std::vector<std::uint8_t> batch);
  // Ends a cleaned segment: its time index is complete, all of it is on the disk.
  int finish(Segment& into, std::uint64_t& size);

  std::vector<AbortedTransaction> take_kept_aborted();
  CleanFigures figures();

 private:
  enum class Fate { Drop, Empty, Filter };
  // A batch on its way out: verbatim from the read buffer, or from rewritten_.
  struct Out {
    bool rewritten;
    std::size_t at;
    std::size_t length;
  };

  template <typename OnBatch>
  CleanPiece walk(Segment& source, std::uint64_t position, std::uint64_t max_bytes, OnBatch on_batch, Segment* into);
  int hand_out(const std::uint8_t* batch, std::size_t size);
  int map_batch(const std::uint8_t* bytes, std::size_t size);
  int map_these(const BatchHeader& batch, const std::uint8_t* records, std::size_t length);
  void mapped(const BatchHeader& batch);
  Fate decide(const BatchHeader& batch, std::size_t size);
  bool is_last_of_producer(const BatchHeader& batch) const;
  int filter_batch(std::size_t at, std::size_t size);
  bool stays(const BatchHeader& batch, const RecordView& record);
  // How many stay; `records_` holds them.
  std::size_t choose(const BatchHeader& batch, bool& tombstones);
  std::int64_t horizon_for(const BatchHeader& batch, bool wanted) const;
  void keep_verbatim(std::size_t at, std::size_t size) { outs_.push_back({false, at, size}); }
  template <typename Write>
  void keep_rewritten(Write write);
  int flush(Segment& into);
  int append(Segment& into, const std::vector<std::uint8_t>& batch);

  std::mutex mutex_;
  OffsetMap keys_;
  std::vector<std::uint8_t> buffer_;
  CleanedTransactions transactions_;
  CleanFigures figures_;
  std::int64_t start_ = 0;
  CleanRules rules_;
  std::unordered_map<std::int64_t, ActiveProducer> producers_;
  std::vector<RecordView> records_;
  std::vector<Out> outs_;
  std::vector<std::uint8_t> rewritten_;
  // The compressed batch that was handed out, and what becomes of it when no record stays.
  std::vector<std::uint8_t> pending_;
  bool pending_keeps_empty_ = false;
  // Of the batch that was decided on last.
  bool keeps_empty_ = false;
  bool marker_of_none_ = false;
};

}  // namespace sluice
