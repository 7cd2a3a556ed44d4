// A range of a file that has to come from the disk before it can be sent.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "file_region.h"

namespace sluice {

// Belongs to the thread that sends, except while a disk thread runs it.
struct ColdRead {
  FileRegion region;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
  bool copy = false;  // into `bytes`; else only into the page cache

  // False: nobody waits any more, the disk is spared.
  std::atomic<bool> wanted{true};

  // Results.
  std::vector<std::uint8_t> bytes;
  int error = 0;  // errno

  // Bytes behind the range that are read with it, for the next one.
  std::uint64_t ahead() const;
  // Blocks. For a disk thread.
  void run();
};

}  // namespace sluice
