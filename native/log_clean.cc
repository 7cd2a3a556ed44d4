#include "log_clean.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "crc32c.h"

namespace sluice {
namespace {

constexpr std::size_t kLeastBuffer = 64 * 1024;

// Of a whole batch: what is copied or rewritten gets a CRC that is right, so what is wrong must be found before.
bool sound(const BatchHeader& batch, std::size_t size) { return crc32c(batch.bytes() + kBatchCrcFrom, size - kBatchCrcFrom) == batch.crc(); }

bool has_horizon(const BatchHeader& batch) { return (batch.attributes() & kDeleteHorizon) != 0; }
std::int64_t horizon(const BatchHeader& batch) { return load_be64(batch.bytes() + 27); }
bool compressed(const BatchHeader& batch) { return (batch.attributes() & kCompression) != 0; }

}  // namespace

LogClean::LogClean(std::size_t slots, std::size_t most_keys, std::size_t buffer_bytes)
    : keys_(slots, most_keys), buffer_(std::max(buffer_bytes, kLeastBuffer)) {}

void LogClean::begin_map(std::int64_t start) {
  std::lock_guard lock(mutex_);
  start_ = start;
}

void LogClean::add_aborted(const AbortedTransaction* transactions, std::size_t count) {
  std::lock_guard lock(mutex_);
  transactions_.add(transactions, count);
}

void LogClean::mapped_to(std::int64_t offset) {
  std::lock_guard lock(mutex_);
  figures_.latest_offset = std::max(figures_.latest_offset, offset - 1);
}

void LogClean::begin_filter(const CleanRules& rules, std::unordered_map<std::int64_t, ActiveProducer> producers) {
  std::lock_guard lock(mutex_);
  rules_ = rules;
  producers_ = std::move(producers);
  transactions_ = CleanedTransactions{};
  pending_.clear();
}

std::vector<AbortedTransaction> LogClean::take_kept_aborted() {
  std::lock_guard lock(mutex_);
  return transactions_.take_kept();
}

CleanFigures LogClean::figures() {
  std::lock_guard lock(mutex_);
  figures_.keys = keys_.size();
  return figures_;
}

// Calls on_batch(place in buffer_, size) -> 0 or a CleanStep that ends the piece or -errno, for each whole batch. The buffer grows with the largest one.
template <typename OnBatch>
CleanPiece LogClean::walk(Segment& source, std::uint64_t position, std::uint64_t max_bytes, OnBatch on_batch, Segment* into) {
  CleanPiece piece;
  piece.position = position;
  const auto stop = [&](int status) {
    piece.status = status;
    if (status >= 0 && into != nullptr) {
      if (const int written = flush(*into); written < 0) piece.status = written;
    }
    outs_.clear();
    rewritten_.clear();
    return std::move(piece);
  };
  std::uint64_t end = 0;
  if (const int result = source.prepare(end); result < 0) return stop(result);
  if (position > end) return stop(-EINVAL);
  const std::optional<FileRegion> whole = source.region(0, end);  // keeps the file open
  if (!whole) return stop(-EAGAIN);
  while (piece.position < end) {
    if (piece.position - position >= max_bytes) return stop(static_cast<int>(CleanStep::More));
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), end - piece.position));
    const std::int64_t got = read_at(whole->file->fd(), buffer_.data(), want, piece.position, Wait::Yes);
    if (got < 0) return stop(static_cast<int>(got));
    if (got != static_cast<std::int64_t>(want)) return stop(-EBADMSG);
    std::size_t at = 0;
    while (want - at >= kBatchHeaderBytes) {
      const BatchHeader batch(buffer_.data() + at);
      if (!batch.length_valid() || batch.magic() != 2 || !batch.offsets_valid() || batch.size() > end - piece.position) return stop(-EBADMSG);
      const auto size = static_cast<std::size_t>(batch.size());
      if (size > want - at) {
        if (at == 0) buffer_.resize(size);
        break;
      }
      if (!sound(batch, size)) return stop(-EBADMSG);
      const int result = on_batch(at, size);
      if (result < 0) return stop(result);
      piece.position += size;
      at += size;
      if (result > 0) {
        if (result == static_cast<int>(CleanStep::Compressed)) piece.batch = pending_;
        return stop(result);
      }
    }
    if (end - piece.position > 0 && end - piece.position < kBatchHeaderBytes) return stop(-EBADMSG);
    if (into != nullptr) {
      if (const int written = flush(*into); written < 0) return stop(written);
    }
  }
  return stop(static_cast<int>(CleanStep::End));
}

int LogClean::hand_out(const std::uint8_t* batch, std::size_t size) {
  pending_.assign(batch, batch + size);
  pending_keeps_empty_ = keeps_empty_;
  return static_cast<int>(CleanStep::Compressed);
}

CleanPiece LogClean::map(Segment& source, std::uint64_t position, std::uint64_t max_bytes) {
  std::lock_guard lock(mutex_);
  return walk(source, position, max_bytes, [this](std::size_t at, std::size_t size) { return map_batch(buffer_.data() + at, size); }, nullptr);
}

int LogClean::map_batch(const std::uint8_t* bytes, std::size_t size) {
  const BatchHeader batch(bytes);
  if (batch.control()) {
    transactions_.control(batch, control_type(bytes, size));
  } else if (!transactions_.data(batch) && batch.last_offset() >= start_ && batch.record_count() > 0) {
    if (compressed(batch)) return hand_out(bytes, size);
    if (const int result = map_these(batch, bytes + kBatchHeaderBytes, size - kBatchHeaderBytes); result != 0) return result;
  }
  mapped(batch);
  return 0;
}

int LogClean::map_these(const BatchHeader& batch, const std::uint8_t* records, std::size_t length) {
  if (!read_records(batch, records, length, records_)) return -EBADMSG;
  for (const RecordView& record : records_) {
    const std::int64_t offset = batch.base_offset() + record.offset_delta;
    if (record.key_length < 0 || offset < start_) continue;
    if (!keys_.put(record.key, static_cast<std::size_t>(record.key_length), offset)) return static_cast<int>(CleanStep::Full);
    figures_.latest_offset = std::max(figures_.latest_offset, offset);
  }
  return 0;
}

void LogClean::mapped(const BatchHeader& batch) {
  if (batch.last_offset() >= start_) figures_.latest_offset = std::max(figures_.latest_offset, batch.last_offset());
}

int LogClean::map_records(const std::uint8_t* records, std::size_t length) {
  std::lock_guard lock(mutex_);
  if (pending_.empty()) return -EINVAL;
  const BatchHeader batch(pending_.data());
  const int result = map_these(batch, records, length);
  if (result == 0) mapped(batch);
  pending_.clear();
  return result;
}

bool LogClean::is_last_of_producer(const BatchHeader& batch) const {
  if (batch.producer_id() < 0) return false;
  const auto found = producers_.find(batch.producer_id());
  if (found == producers_.end()) return false;
  const ActiveProducer& last = found->second;
  return last.last_offset >= 0 ? last.last_offset == batch.last_offset() : batch.control() && load_be16(batch.bytes() + 51) == last.epoch;
}

LogClean::Fate LogClean::decide(const BatchHeader& batch, std::size_t size) {
  const bool of_none = batch.control() ? transactions_.control(batch, control_type(batch.bytes(), size)) : transactions_.data(batch);
  // A marker goes some time after the last record of its transaction: who reads from the start must see it as long as it may have seen those.
  const bool discard = batch.control() ? of_none && has_horizon(batch) && horizon(batch) <= rules_.now_ms : of_none;
  keeps_empty_ = is_last_of_producer(batch) || batch.last_offset() + 1 == rules_.end_offset;
  marker_of_none_ = of_none && batch.control();
  if (!discard && batch.record_count() > 0) return Fate::Filter;
  return keeps_empty_ ? Fate::Empty : Fate::Drop;
}

template <typename Write>
void LogClean::keep_rewritten(Write write) {
  const std::size_t at = rewritten_.size();
  write(rewritten_);
  outs_.push_back({true, at, rewritten_.size() - at});
}

CleanPiece LogClean::filter(Segment& source, Segment& into, std::uint64_t position, std::uint64_t max_bytes) {
  std::lock_guard lock(mutex_);
  return walk(source, position, max_bytes, [this](std::size_t at, std::size_t size) { return filter_batch(at, size); }, &into);
}

// -1: none is to be set.
std::int64_t LogClean::horizon_for(const BatchHeader& batch, bool wanted) const {
  return wanted && !has_horizon(batch) ? rules_.now_ms + rules_.delete_retention_ms : -1;
}

int LogClean::filter_batch(std::size_t at, std::size_t size) {
  const BatchHeader batch(buffer_.data() + at);
  figures_.records_read += static_cast<std::uint64_t>(std::max(0, batch.record_count()));
  const Fate fate = decide(batch, size);
  if (fate == Fate::Drop) return 0;
  if (fate == Fate::Empty) {
    keep_rewritten([&](auto& out) { write_empty(batch, out); });
    return 0;
  }
  if (compressed(batch)) {
    // The caller may write before the next piece: what stays of the batches before this one goes out with this piece.
    return hand_out(batch.bytes(), size);
  }
  if (!read_records(batch, batch.bytes() + kBatchHeaderBytes, size - kBatchHeaderBytes, records_)) return -EBADMSG;
  bool tombstones = false;
  const std::size_t before = records_.size();
  if (choose(batch, tombstones) == 0) {
    if (keeps_empty_) keep_rewritten([&](auto& out) { write_empty(batch, out); });
    return 0;
  }
  const std::int64_t set = horizon_for(batch, tombstones || marker_of_none_);
  if (records_.size() == before && set < 0) keep_verbatim(at, size);
  else keep_rewritten([&](auto& out) { write_filtered(batch, records_, set, out); });
  return 0;
}

std::size_t LogClean::choose(const BatchHeader& batch, bool& tombstones) {
  const auto gone = std::remove_if(records_.begin(), records_.end(), [&](const RecordView& record) { return !batch.control() && !stays(batch, record); });
  records_.erase(gone, records_.end());
  tombstones = std::any_of(records_.begin(), records_.end(), [](const RecordView& record) { return !record.has_value; });
  figures_.records_kept += records_.size();
  return records_.size();
}

bool LogClean::stays(const BatchHeader& batch, const RecordView& record) {
  const std::int64_t offset = batch.base_offset() + record.offset_delta;
  if (offset > figures_.latest_offset) return true;
  if (record.key_length < 0) {
    figures_.without_key++;
    return false;
  }
  if (offset < keys_.get(record.key, static_cast<std::size_t>(record.key_length))) return false;
  return record.has_value || !has_horizon(batch) || horizon(batch) > rules_.now_ms;
}

int LogClean::filter_records(Segment& into, const std::uint8_t* records, std::size_t length, std::vector<std::uint8_t>& rewritten) {
  std::lock_guard lock(mutex_);
  if (pending_.empty()) return -EINVAL;
  const std::vector<std::uint8_t> bytes = std::exchange(pending_, {});
  const BatchHeader batch(bytes.data());
  if (!read_records(batch, records, length, records_)) return -EBADMSG;
  bool tombstones = false;
  const std::size_t before = records_.size();
  if (choose(batch, tombstones) == 0) {
    if (!pending_keeps_empty_) return 0;
    std::vector<std::uint8_t> empty;
    write_empty(batch, empty);
    return append(into, empty);
  }
  const std::int64_t set = horizon_for(batch, tombstones);
  if (records_.size() == before && set < 0) return append(into, bytes);
  write_filtered(batch, records_, set, rewritten);
  return static_cast<int>(CleanStep::Compressed);
}

int LogClean::write(Segment& into, std::vector<std::uint8_t> batch) {
  std::lock_guard lock(mutex_);
  if (batch.size() <= kBatchHeaderBytes || batch.size() > INT32_MAX) return -EINVAL;
  store_be32(batch.data() + 8, static_cast<std::uint32_t>(batch.size() - kBatchLengthOverhead));
  if (!is_one_batch(batch.data(), batch.size())) return -EINVAL;
  restamp_crc(batch.data(), batch.size());
  return append(into, batch);
}

int LogClean::append(Segment& into, const std::vector<std::uint8_t>& batch) {
  const AppendPart part{batch.data(), batch.size()};
  std::uint64_t end;
  return into.append(&part, 1, end);
}

int LogClean::flush(Segment& into) {
  if (outs_.empty()) return 0;
  std::vector<AppendPart> parts;
  parts.reserve(outs_.size());
  for (const Out& out : outs_) {
    const std::uint8_t* bytes = (out.rewritten ? rewritten_.data() : buffer_.data()) + out.at;
    parts.push_back({bytes, out.length});
  }
  std::uint64_t end;
  const int result = into.append(parts.data(), parts.size(), end);
  outs_.clear();
  rewritten_.clear();
  return result;
}

int LogClean::finish(Segment& into, std::uint64_t& size) {
  std::lock_guard lock(mutex_);
  if (const int result = into.prepare(size); result < 0) return result;
  if (const int result = into.seal(-1, -1); result < 0) return result;
  return into.flush(size);
}

}  // namespace sluice
