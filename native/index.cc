#include "index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "record_batch.h"

namespace sluice {
namespace {

constexpr std::size_t kBlockBytes = IndexBlocks::kEntries * IndexBlocks::kEntryBytes;
constexpr std::size_t kCopyBytes = 1 << 16;

}  // namespace

Index::Index(IndexKind kind, std::size_t capacity_bytes, std::shared_ptr<IndexBlocks> blocks)
    : kind_(kind),
      entry_bytes_(kind == IndexKind::Offset ? IndexBlocks::kEntryBytes : 12),
      block_entries_(kBlockBytes / entry_bytes_),
      capacity_(capacity_bytes / entry_bytes_),
      blocks_(std::move(blocks)) {}

Index::~Index() {
  if (fd_ >= 0) ::close(fd_);
  if (linked_fd_ >= 0) ::close(linked_fd_);
}

IndexEntry Index::decode(const std::uint8_t* at) const {
  if (kind_ == IndexKind::Offset) return {load_be32(at), load_be32(at + 4)};
  return {load_be64(at), load_be32(at + 8)};
}

void Index::encode(std::uint8_t* at, const IndexEntry& entry) const {
  if (kind_ == IndexKind::Offset) {
    store_be32(at, static_cast<std::uint32_t>(entry.key));
    store_be32(at + 4, static_cast<std::uint32_t>(entry.value));
  } else {
    store_be64(at, static_cast<std::uint64_t>(entry.key));
    store_be32(at + 8, static_cast<std::uint32_t>(entry.value));
  }
}

// Offsets and positions both rise. A later timestamp may belong to the same batch: a producer's segment can end with one.
bool Index::rises(const IndexEntry& before, const IndexEntry& after) const {
  return after.key > before.key && (kind_ == IndexKind::Offset ? after.value > before.value : after.value >= before.value);
}

int Index::open(const std::string& path, bool create, bool keep_linked) {
  const bool again = parked();
  if (is_open() && !again) return 0;
  int fd = open_file(AT_FDCWD, path.c_str(), O_RDWR | (create && !again ? O_CREAT : 0) | (keep_linked ? O_NOFOLLOW : 0), 0644);
  if (fd == -ELOOP && keep_linked) {
    fd = open_file(AT_FDCWD, path.c_str(), O_RDONLY);
    if (fd >= 0) link_ = path;
  }
  if (fd < 0) return fd;
  if (again) {
    std::lock_guard lock(mutex_);
    fd_ = fd;
    parked_ = false;
    return 0;
  }
  struct stat status;
  const int result = fstat(fd, &status) == 0 ? load(fd, static_cast<std::uint64_t>(status.st_size)) : -errno;
  if (result < 0) ::close(fd);
  return result;
}

int Index::load(int fd, std::uint64_t size) {
  std::vector<IndexEntry> firsts;
  IndexEntry last{};
  std::size_t count = 0;
  bool sound = true;
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, 64 * block_entries_ * entry_bytes_)));
  for (std::uint64_t position = 0; position < size;) {
    const std::int64_t got = read_at(fd, buffer.data(), buffer.size(), position, Wait::Yes);
    if (got < 0) return static_cast<int>(got);
    const std::size_t here = static_cast<std::size_t>(got) / entry_bytes_;
    if (here == 0) break;
    for (std::size_t i = 0; i < here && sound; i++) {
      const IndexEntry entry = decode(buffer.data() + i * entry_bytes_);
      sound = entry.value >= 0 && (kind_ == IndexKind::Time || entry.key >= 0) && (count == 0 || rises(last, entry));
      if (!sound) break;
      if (count % block_entries_ == 0) firsts.push_back(entry);
      last = entry;
      count++;
    }
    if (!sound) break;
    position += here * entry_bytes_;
  }
  std::lock_guard lock(mutex_);
  fd_ = fd;
  sound_ = sound && size % entry_bytes_ == 0;
  ragged_ = size != count * entry_bytes_;
  count_ = count;
  last_ = last;
  firsts_ = std::move(firsts);
  return 0;
}

bool Index::is_open() const {
  std::lock_guard lock(mutex_);
  return fd_ >= 0 || parked_;
}

void Index::park() {
  std::lock_guard lock(mutex_);
  if (fd_ < 0) return;
  ::close(fd_);
  if (linked_fd_ >= 0) ::close(linked_fd_);
  fd_ = linked_fd_ = -1;
  parked_ = true;
}

bool Index::parked() const {
  std::lock_guard lock(mutex_);
  return parked_;
}

// A first entry of zeros rises from nothing, but no writer makes one: a power cut leaves it where the size came to the disk and the bytes did not.
bool Index::sound() const {
  std::lock_guard lock(mutex_);
  return sound_ && (count_ == 0 || firsts_.front().key != 0 || firsts_.front().value != 0);
}

std::size_t Index::entries() const {
  std::lock_guard lock(mutex_);
  return count_;
}

bool Index::last(IndexEntry& out) const {
  std::lock_guard lock(mutex_);
  out = last_;
  return count_ > 0;
}

std::size_t Index::room() const {
  std::lock_guard lock(mutex_);
  return capacity_ > count_ ? capacity_ - count_ : 0;
}

int Index::find(std::int64_t limit, bool by_value, Wait wait, std::size_t* count, IndexGap* gap, IndexEntry& out) const {
  const auto field = [by_value](const IndexEntry& entry) { return by_value ? std::int64_t{entry.value} : entry.key; };
  std::size_t first;
  std::size_t length;
  int fd;
  IndexBlocks::Id id;
  {
    std::lock_guard lock(mutex_);
    if (count != nullptr) *count = 0;
    if (count_ == 0 || field(firsts_.front()) > limit) return 0;
    if (field(last_) <= limit) {
      out = last_;
      if (count != nullptr) *count = count_;
      return 1;
    }
    const auto behind = std::upper_bound(firsts_.begin(), firsts_.end(), limit, [&](std::int64_t l, const IndexEntry& entry) { return l < field(entry); });
    if (gap != nullptr) gap->behind = behind == firsts_.end() ? last_ : *behind;
    id = {content_, static_cast<std::uint64_t>(behind - firsts_.begin() - 1)};
    first = id.number * block_entries_;
    length = std::min(block_entries_, count_ - first);
    fd = fd_;
  }
  const bool kept = blocks_ && gap != nullptr;
  if (kept) {
    IndexBlocks::Found found;
    if (blocks_->find(id, length, limit, found) && found.count > 0) {
      out = found.entry;
      if (found.next.key >= 0) gap->behind = found.next;
      gap->batch = found.behind;
      gap->block = id;
      gap->count = found.count;
      return 1;
    }
  }
  std::uint8_t block[kBlockBytes];
  const std::int64_t got = read_at(fd, block, length * entry_bytes_, first * entry_bytes_, wait);
  if (got < 0) return static_cast<int>(got);
  // Fewer bytes: not resident, or cut meanwhile (then the caller sees the cut in the log's counter).
  if (static_cast<std::size_t>(got) != length * entry_bytes_) return wait == Wait::No ? -EAGAIN : -EIO;
  std::size_t low = 0;
  std::size_t high = length;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (field(decode(block + middle * entry_bytes_)) <= limit) low = middle + 1;
    else high = middle;
  }
  if (low == 0) return wait == Wait::No ? -EAGAIN : -EIO;  // the block's first entry was at most `limit`: it has been rewritten since
  out = decode(block + (low - 1) * entry_bytes_);
  if (gap != nullptr && low < length) gap->behind = decode(block + low * entry_bytes_);
  if (kept) {
    blocks_->keep(id, block, length);
    gap->block = id;
    gap->count = low;
  }
  if (count != nullptr) *count = first + low;
  return 1;
}

void Index::learn(const IndexGap& gap, const IndexedBatch& batch) const {
  if (blocks_ && gap.count > 0) blocks_->learn(gap.block, gap.count, batch);
}

int Index::entry(std::size_t before, IndexEntry& out) const {
  int fd;
  {
    std::lock_guard lock(mutex_);
    if (before >= count_) return 0;
    fd = fd_;
  }
  std::uint8_t bytes[12];
  const std::int64_t got = read_at(fd, bytes, entry_bytes_, before * entry_bytes_, Wait::Yes);
  if (got != static_cast<std::int64_t>(entry_bytes_)) return got < 0 ? static_cast<int>(got) : -EIO;
  out = decode(bytes);
  return 1;
}

int Index::own(std::size_t count) {
  if (link_.empty()) return 0;
  if (::unlink(link_.c_str()) != 0 && errno != ENOENT) return -errno;
  const int fd = ::open(link_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return -errno;
  const std::uint64_t size = count * entry_bytes_;
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, kCopyBytes)));
  int result = 0;
  for (std::uint64_t position = 0; result == 0 && position < size;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - position));
    const std::int64_t got = read_at(fd_, buffer.data(), want, position, Wait::Yes);
    if (got <= 0) result = got < 0 ? static_cast<int>(got) : -EIO;
    else result = write_at(fd, buffer.data(), static_cast<std::size_t>(got), position);
    position += got > 0 ? static_cast<std::uint64_t>(got) : 0;
  }
  if (result < 0) {
    ::close(fd);
    return result;
  }
  std::lock_guard lock(mutex_);
  linked_fd_ = fd_;
  fd_ = fd;
  link_.clear();
  return 0;
}

int Index::write(const IndexEntry* entries, std::size_t count) {
  if (count == 0) return 0;
  if (const int result = own(this->entries()); result < 0) return result;
  std::uint64_t end;
  bool ragged;
  {
    std::lock_guard lock(mutex_);
    end = count_ * entry_bytes_;
    ragged = ragged_;
    ragged_ = true;  // until published
  }
  if (ragged) {
    const int cut = truncate_file(fd_, end);
    if (cut < 0) return cut;
  }
  std::vector<std::uint8_t> bytes(count * entry_bytes_);
  for (std::size_t i = 0; i < count; i++) encode(bytes.data() + i * entry_bytes_, entries[i]);
  const int result = write_at(fd_, bytes.data(), bytes.size(), end);
  dirty_ = true;  // behind the write: a sync that runs between them finds it unset and nothing lost
  return result;
}

void Index::publish(const IndexEntry* entries, std::size_t count) {
  if (count == 0) return;
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count; i++) {
    if (count_ % block_entries_ == 0) firsts_.push_back(entries[i]);
    count_++;
  }
  last_ = entries[count - 1];
  ragged_ = false;
}

int Index::trim() {
  int fd;
  std::uint64_t end;
  {
    std::lock_guard lock(mutex_);
    if (!ragged_ || fd_ < 0) return 0;
    fd = fd_;
    end = count_ * entry_bytes_;
  }
  const int result = truncate_file(fd, end);
  dirty_ = true;
  if (result == 0) {
    std::lock_guard lock(mutex_);
    ragged_ = false;
  }
  return result;
}

int Index::cut(std::size_t count) {
  if (const int result = own(std::min(count, entries())); result < 0) return result;
  int fd;
  IndexEntry last{};
  if (count > 0) {
    // The new last entry, from the file: entries before it are not all in memory.
    std::uint8_t bytes[12];
    const std::int64_t got = read_at(fd_, bytes, entry_bytes_, (count - 1) * entry_bytes_, Wait::Yes);
    if (got != static_cast<std::int64_t>(entry_bytes_)) return got < 0 ? static_cast<int>(got) : -EIO;
    last = decode(bytes);
  }
  {
    std::lock_guard lock(mutex_);
    fd = fd_;
    count_ = std::min(count, count_);
    last_ = last;
    content_ = IndexBlocks::new_content();
    firsts_.resize((count_ + block_entries_ - 1) / block_entries_);
    sound_ = true;
    ragged_ = true;
  }
  if (fd < 0) return 0;
  const int result = truncate_file(fd, count * entry_bytes_);
  dirty_ = true;
  if (result == 0) {
    std::lock_guard lock(mutex_);
    ragged_ = false;
  }
  return result;
}

int Index::sync() {
  int fd;
  {
    std::lock_guard lock(mutex_);
    fd = fd_;
  }
  if (fd < 0 || !dirty_.exchange(false)) return 0;
  return sync_file(fd);
}

}  // namespace sluice
