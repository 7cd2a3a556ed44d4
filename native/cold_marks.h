// Where in a file a page may stand in the page cache whose read has not ended: what disk threads read now, and for a while what they read before,
// because the kernel may read ahead behind it.
//
// There the page cache must be asked exactly, which costs ten times as much. So the marks are narrow, and short on a fast disk: 20 times as long as the
// read took. (On a machine whose host takes idle page cache back, a hot log has some hundred such reads a second.)
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sluice {

class ColdMarks {
 public:
  // A read of a disk thread, from construction to destruction.
  class Reading {
   public:
    Reading(ColdMarks& marks, std::uint64_t from, std::uint64_t until);
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    ColdMarks& marks_;
    const std::uint64_t from_;
    const std::uint64_t until_;
    const std::int64_t begun_us_;
  };

  // Any thread.
  bool overlap(std::uint64_t from, std::uint64_t until);

 private:
  struct Mark {
    std::uint64_t from;
    std::uint64_t until;
    std::int64_t ends_us;
  };
  void add(Mark mark);

  std::atomic<bool> any_{false};
  std::mutex mutex_;
  std::vector<Mark> marks_;
};

}  // namespace sluice
