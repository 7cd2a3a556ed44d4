#include "cleaned_transactions.h"

#include <algorithm>

#include "record_cursor.h"

namespace sluice {
namespace {

bool later(const AbortedTransaction& a, const AbortedTransaction& b) { return a.first_offset > b.first_offset; }

}  // namespace

ControlType control_type(const std::uint8_t* batch, std::size_t size) {
  if (BatchHeader(batch).record_count() <= 0) return ControlType::None;
  RecordCursor all(batch + kBatchHeaderBytes, batch + size);
  RecordCursor record = all.part(all.varint());
  record.skip(1);
  record.varlong();
  record.varint();
  const std::int32_t length = record.varint();
  // Key: int16 version, int16 type; newer versions only add to it.
  if (!all.ok() || !record.ok() || length < 4 || record.left() < 4) return ControlType::Other;
  const std::uint8_t* key = record.at();
  if (load_be16(key) < 0) return ControlType::Other;
  const std::int16_t type = load_be16(key + 2);
  return type == 0 ? ControlType::Abort : type == 1 ? ControlType::Commit : ControlType::Other;
}

void CleanedTransactions::add(const AbortedTransaction* transactions, std::size_t count) {
  for (std::size_t i = 0; i < count; i++) {
    waiting_.push_back(transactions[i]);
    std::push_heap(waiting_.begin(), waiting_.end(), later);
  }
}

void CleanedTransactions::begin_up_to(std::int64_t offset) {
  while (!waiting_.empty() && waiting_.front().first_offset <= offset) {
    // One that is open still may be told of again, with the next segment.
    std::pop_heap(waiting_.begin(), waiting_.end(), later);
    aborted_.try_emplace(waiting_.back().producer_id, Ongoing{waiting_.back()});
    waiting_.pop_back();
  }
}

bool CleanedTransactions::data(const BatchHeader& batch) {
  begin_up_to(batch.last_offset());
  if ((batch.attributes() & 0x10) == 0) return false;
  const auto found = aborted_.find(batch.producer_id());
  if (found == aborted_.end()) {
    committed_.insert(batch.producer_id());
    return false;
  }
  found->second.seen = true;
  return true;
}

bool CleanedTransactions::control(const BatchHeader& batch, ControlType type) {
  begin_up_to(batch.last_offset());
  switch (type) {
    case ControlType::Abort: {
      const auto found = aborted_.find(batch.producer_id());
      if (found == aborted_.end()) return true;
      const Ongoing ended = found->second;
      aborted_.erase(found);
      if (ended.seen) kept_.push_back(ended.transaction);
      return !ended.seen;
    }
    case ControlType::Commit:
      return committed_.erase(batch.producer_id()) == 0;
    case ControlType::Other:
      return false;
    case ControlType::None:
      break;
  }
  return true;
}

}  // namespace sluice
