// What compaction knows of the transactions in the part of a log that it has read so far: whose records go, and which markers may go with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "record_batch.h"

namespace sluice {

// As an entry of the transaction index.
struct AbortedTransaction {
  std::int64_t producer_id;
  std::int64_t first_offset;
  std::int64_t last_offset;
  std::int64_t last_stable_offset;
};

enum class ControlType { None, Abort, Commit, Other };

// The type in the first record of an (uncompressed) control batch; None: it holds no record.
ControlType control_type(const std::uint8_t* batch, std::size_t size);

class CleanedTransactions {
 public:
  // Further aborted transactions, in any order. None that has ended may be given again.
  void add(const AbortedTransaction* transactions, std::size_t count);

  // Both: batches in the order of the log.
  // True: the batch belongs to an aborted transaction; its records go.
  bool data(const BatchHeader& batch);
  // True: no record of the marker's transaction is left; the marker may go when its time has come.
  bool control(const BatchHeader& batch, ControlType type);

  // The aborted transactions that had batches, in the order of their ends, since the last call: the index of a cleaned segment.
  std::vector<AbortedTransaction> take_kept() { return std::exchange(kept_, {}); }

 private:
  struct Ongoing {
    AbortedTransaction transaction;
    bool seen = false;
  };

  void begin_up_to(std::int64_t offset);

  std::vector<AbortedTransaction> waiting_;  // a heap, the smallest first offset on top
  std::unordered_map<std::int64_t, Ongoing> aborted_;
  std::unordered_set<std::int64_t> committed_;
  std::vector<AbortedTransaction> kept_;
};

}  // namespace sluice
