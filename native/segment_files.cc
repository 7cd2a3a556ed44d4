// The files of a segment: opened by whoever needs them first, and closed again to spare descriptors when nothing of them is unflushed or on its way.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "file_io.h"
#include "segment.h"

namespace sluice {

int Segment::open(Pin& pin, bool may_wait) {
  used_.store(true, std::memory_order_relaxed);
  for (;;) {
    bool anew = false;
    if (!opened_.load(std::memory_order_acquire)) {
      if (const int result = open_now(anew); result < 0) return result;
    }
    pin = Pin(files_mutex_);
    // Closed again in between?
    if (!opened_.load(std::memory_order_acquire)) {
      pin.unlock();
      continue;
    }
    if (anew && open_files_) open_files_->opened(weak_from_this(), may_wait);
    return 0;
  }
}

int Segment::open_now(bool& anew) {
  std::lock_guard lock(open_mutex_);
  if (opened_.load(std::memory_order_acquire)) return 0;
  for (;;) {
    const std::string before = path();
    const int result = open_files();
    anew = result == 0;
    // The folder may be renamed between reading the path and opening: the new path is known by then, or soon.
    if (result == -ENOENT && path() != before) continue;
    return result;
  }
}

bool Segment::try_close() {
  std::unique_lock lock(files_mutex_, std::try_to_lock);
  if (!lock || !opened_.load(std::memory_order_acquire) || unsynced_ || sync_failed_ || keeps_open_) return false;
  if (log_->pinned()) return false;
  log_->close_file();
  offsets_.park();
  times_.park();
  // Last: who sees it opens files anew, without waiting for this lock, and those must not be closed here.
  opened_.store(false, std::memory_order_release);
  return true;
}

void Segment::make_closable() {
  const Pin pin(files_mutex_, std::try_to_lock);
  if (pin && opened_.load(std::memory_order_acquire)) (void)flush_open(true);
}

int Segment::keep_open() {
  Pin pin;
  const int result = open(pin);
  if (result == 0) keeps_open_ = true;
  return result;
}

int Segment::open_files() {
  const std::string log_path = path() + ".log" + state_;
  const bool again = loaded_.load(std::memory_order_relaxed);
  const bool creates = stated_size_ < 0 && !again;
  const int access = read_only_ ? O_RDONLY : O_RDWR | (creates ? O_CREAT : 0);
  const int fd = open_file(AT_FDCWD, log_path.c_str(), access, 0644);
  if (fd < 0) return fd;
  auto log = std::make_shared<LogFile>(fd, static_cast<std::uint64_t>(std::max<std::int64_t>(stated_size_, 0)), meter_);
  struct stat status;
  if (fstat(fd, &status) != 0) return -errno;
  // Another file has its name now: what was known of this one says nothing of that.
  if (again && (status.st_ino != inode_ || status.st_dev != device_)) return -ENOENT;
  const std::uint64_t end = again ? log_->end() : log->end();
  if (creates && status.st_size > 0) return -EEXIST;                        // somebody's data: never overwritten
  if (static_cast<std::uint64_t>(status.st_size) < end) return -ENODATA;    // less than what is said to be valid
  const int indexes = open_indexes(false);
  if (indexes < 0) return indexes;
  ragged_ = static_cast<std::uint64_t>(status.st_size) != end;
  inode_ = status.st_ino;
  device_ = status.st_dev;
  if (again) log_->take_file(*log);
  else log_ = std::move(log);
  loaded_.store(true, std::memory_order_release);
  opened_.store(true, std::memory_order_release);
  return 0;
}

int Segment::open_indexes(bool create) {
  const std::string base = path();
  for (auto [index, suffix] : {std::pair{&offsets_, ".index"}, std::pair{&times_, ".timeindex"}}) {
    const int result = index->open(base + suffix + state_, create, read_only_);
    if (result < 0 && (create || result != -ENOENT || index->parked())) return result;
  }
  return 0;
}

}  // namespace sluice
