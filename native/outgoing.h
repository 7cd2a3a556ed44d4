// One response on its way out: bytes with file regions between them, and how far it has got.
#pragma once

#include <cstdint>
#include <vector>

#include "cold_read.h"
#include "meter.h"
#include "transfer.h"

namespace sluice {

struct RegionPart {
  std::size_t at = 0;  // the region stands before this byte of the response's own bytes
  FileRegion region;
};

enum class StepResult {
  Progress,  // some bytes went out
  Blocked,   // the socket is full
  Cold,      // the next bytes are not in memory: see Outgoing::cold()
  Broken,    // the region was cut, its file ended early, or an I/O error met
  Gone,      // the peer is gone
};

struct StepLimits {
  TransferMode mode = TransferMode::Auto;
  std::uint64_t copy_below = 0;  // of one region, in Auto
  std::size_t max_bytes = 0;
  bool more = false;             // another response follows at once
  std::int64_t now_ms = 0;
};

class Outgoing {
 public:
  // Borrows `bytes` until own(); `parts` in rising order of `at`.
  Outgoing(const std::uint8_t* bytes, std::size_t length, std::vector<RegionPart> parts);
  Outgoing(Outgoing&&) = default;
  Outgoing& operator=(Outgoing&&) = default;

  // Copies the bytes that are still to be sent.
  void own();

  std::uint64_t remaining() const { return remaining_; }

  // One or few system calls, at most about limits.max_bytes; counted in `counters` and in the meters of the logs. Sets `sent`. Never
  // blocks, neither on the socket nor on the disk.
  StepResult step(Transport& transport, TransferContext& context, CounterSet& counters, const StepLimits& limits, std::size_t& sent);

  // What a disk thread is to do after Cold. What would be copied anyhow is copied there; so is what is cold again although it was read in: evicted
  // meanwhile, or in a file system that does not tell.
  std::shared_ptr<ColdRead> cold();
  // Done; what it copied is sent next.
  void warmed(ColdRead& read);

 private:
  std::size_t run_end() const { return next_part_ < parts_.size() ? parts_[next_part_].at : length_; }
  // `path` and `found`: how the bytes of regions went, and what was known of them, unless they were read in for this response.
  void advance(std::size_t bytes, CounterSet& counters, Counter path, Counter found);
  bool small(const FileRegion& region, const StepLimits& limits) const;
  StepResult send_gathered(Transport& transport, TransferContext& context, CounterSet& counters, const StepLimits& limits, std::size_t& sent);
  StepResult send_region(Transport& transport, TransferContext& context, CounterSet& counters, const StepLimits& limits, std::size_t& sent);
  StepResult send_copied(Transport& transport, CounterSet& counters, const StepLimits& limits, std::size_t& sent);
  std::uint64_t file_position() const { return parts_[next_part_].region.position + part_done_; }

  const std::uint8_t* bytes_;
  std::size_t length_;
  std::vector<std::uint8_t> owned_;
  std::vector<RegionPart> parts_;
  std::size_t position_ = 0;     // of the own bytes
  std::size_t next_part_ = 0;    // the region that is sent, or comes next
  std::uint64_t part_done_ = 0;  // bytes of it that are sent
  std::uint64_t remaining_;
  std::uint64_t probed_until_ = 0;  // file position in the current part up to which a probe found it resident
  std::int64_t probed_ms_ = 0;
  Counter found_ = Counter::ResidentBytes;  // what the last probe of the current part said
  bool cold_small_ = false;                 // what was cold goes by a copy anyhow
  std::uint64_t cold_at_ = UINT64_MAX;      // file position of the last cold range of the current part
  std::uint64_t read_in_until_ = 0;         // and the end of what was read in for this response
  std::vector<std::uint8_t> copied_;        // by a disk thread, ends at file position copied_until_
  std::uint64_t copied_until_ = 0;
};

}  // namespace sluice
