#include "folder_survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "batch_walk.h"

namespace sluice {
namespace {

constexpr std::size_t kOffsetDigits = 20;
constexpr std::int64_t kMostTextBytes = 64 * 1024;
constexpr std::int64_t kMostSnapshotBytes = 1 << 20;
// Of one answer: contents beyond it are left to be read one by one.
constexpr std::size_t kMostContentBytes = 8 << 20;
// A look at the end of a segment is one index interval, some dozen batches; what needs more is left to a look-up.
constexpr int kMostSteps = 512;
constexpr std::int64_t kNoFile = -2;
constexpr std::uint64_t kWithoutIndex = 64 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  const int fd_;
};

template <typename Number>
void put(std::vector<std::uint8_t>& out, Number number) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&number);
  out.insert(out.end(), bytes, bytes + sizeof number);
}

void put_bytes(std::vector<std::uint8_t>& out, std::string_view bytes) {
  put(out, static_cast<std::int32_t>(bytes.size()));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Appends length and contents, or why there are none.
void put_contents(std::vector<std::uint8_t>& out, int folder, const std::string& name, std::int64_t most) {
  constexpr std::int32_t kMissing = -1;
  constexpr std::int32_t kNotRead = -2;
  const Descriptor file(name.empty() ? -ENOENT : open_file(folder, name.c_str(), O_RDONLY));
  if (!file) return put(out, file.get() == -ENOENT ? kMissing : kNotRead);
  struct stat status;
  if (fstat(file.get(), &status) != 0 || status.st_size > most || out.size() > kMostContentBytes) return put(out, kNotRead);
  const std::size_t at = out.size();
  put(out, static_cast<std::int32_t>(status.st_size));
  out.resize(out.size() + static_cast<std::size_t>(status.st_size));
  const std::int64_t got = read_at(file.get(), out.data() + at + 4, static_cast<std::size_t>(status.st_size), 0, Wait::Yes);
  if (got == status.st_size) return;
  out.resize(at);
  put(out, kNotRead);
}

bool has_suffix(std::string_view name, std::string_view suffix) {
  return name.size() == kOffsetDigits + suffix.size() && name.substr(kOffsetDigits) == suffix &&
         name.find_first_not_of("0123456789") == kOffsetDigits;
}

struct FoundFile {
  std::string name;
  std::int64_t size = -1;
};

struct Tail {
  std::int64_t end_offset = -1;
  double first_timestamp = std::numeric_limits<double>::quiet_NaN();
};

// Where the last index entry points; 0: at the start; -1: there is none that can be trusted.
std::int64_t last_indexed(int folder, const std::string& name, std::int64_t base, std::uint64_t size, std::int64_t& last_offset) {
  last_offset = -1;
  const std::int64_t start = size <= kWithoutIndex ? 0 : -1;
  const Descriptor index(open_file(folder, name.c_str(), O_RDONLY));
  struct stat status;
  if (!index || fstat(index.get(), &status) != 0 || status.st_size < 8) return start;
  std::uint8_t entry[8];
  const auto at = static_cast<std::uint64_t>(status.st_size / 8 * 8 - 8);
  if (status.st_size % 8 != 0 || read_at(index.get(), entry, sizeof entry, at, Wait::Yes) != sizeof entry) return start;
  const std::int64_t position = load_be32(entry + 4);
  // Zeros: an index of a broker that was killed, which had made room for more entries.
  if (position <= 0 || static_cast<std::uint64_t>(position) >= size) return start;
  last_offset = base + load_be32(entry);
  return position;
}

// Steps over the headers from the last index entry to the end. What the records hold is not looked at.
Tail look_at_tail(int folder, const FoundFile& log) {
  Tail tail;
  const auto size = static_cast<std::uint64_t>(log.size);
  const Descriptor file(open_file(folder, log.name.c_str(), O_RDONLY));
  if (!file || log.size <= 0) return tail;
  const std::string digits = log.name.substr(0, kOffsetDigits);
  std::int64_t last_offset;
  const std::int64_t from = last_indexed(folder, digits + ".index", std::strtoll(digits.c_str(), nullptr, 10), size, last_offset);
  if (from != 0) {
    BatchWalk first(file.get(), 0, size, Wait::Yes);
    if (first.look() == 1) tail.first_timestamp = static_cast<double>(first.header().max_timestamp());
  }
  if (from < 0) return tail;
  BatchWalk walk(file.get(), static_cast<std::uint64_t>(from), size, Wait::Yes);
  std::int64_t end_offset = -1;
  std::uint64_t last = 0;
  for (int steps = 0; steps < kMostSteps; steps++) {
    const int result = walk.look();
    if (result < 0) return tail;
    if (result == 0) {
      // Far behind the last entry there would be another: a power cut has taken some, and the index is to be made anew.
      if (last <= static_cast<std::uint64_t>(from) + kWithoutIndex) tail.end_offset = end_offset;
      return tail;
    }
    const BatchHeader batch = walk.header();
    if (steps == 0 && from == 0) tail.first_timestamp = static_cast<double>(batch.max_timestamp());
    if (steps == 0 && last_offset >= 0 && batch.last_offset() != last_offset) return tail;
    if (batch.last_offset() < end_offset) return tail;
    end_offset = batch.last_offset() + 1;
    last = walk.position();
    walk.step();
  }
  return tail;
}

int list_files(int folder, std::vector<FoundFile>& files) {
  const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return -errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
  if (!stream) {
    const int error = errno;
    ::close(copy);
    return -error;
  }
  for (;;) {
    errno = 0;
    const struct dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) return -errno;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    FoundFile file{std::string(name)};
    const bool sized = has_suffix(name, ".log") || has_suffix(name, ".txnindex");
    if (sized || entry->d_type != DT_REG) {
      struct stat status;
      const bool there = fstatat(folder, entry->d_name, &status, 0) == 0;
      // A link that leads nowhere, or to itself.
      if (!there && ((errno != ENOENT && errno != ELOOP) || entry->d_type == DT_REG)) return -errno;
      if (!there || !S_ISREG(status.st_mode)) file.size = kNoFile;
      else if (sized) file.size = status.st_size;
    }
    files.push_back(std::move(file));
  }
}

void survey_folder(int dir, const std::string& name, const std::vector<std::string>& texts, std::vector<std::uint8_t>& out) {
  const Descriptor folder(::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<FoundFile> files;
  const int status = folder ? list_files(folder.get(), files) : -errno;
  put(out, static_cast<std::int32_t>(status));
  if (status < 0) return;
  const FoundFile* log = nullptr;
  const FoundFile* snapshot = nullptr;
  for (const FoundFile& file : files) {
    if (file.size == kNoFile) continue;
    if (has_suffix(file.name, ".log") && (log == nullptr || file.name > log->name)) log = &file;
    if (has_suffix(file.name, ".snapshot") && (snapshot == nullptr || file.name > snapshot->name)) snapshot = &file;
  }
  const Tail tail = log != nullptr ? look_at_tail(folder.get(), *log) : Tail{};
  put(out, static_cast<double>(tail.end_offset));
  put(out, tail.first_timestamp);
  put(out, static_cast<std::int32_t>(files.size()));
  for (const FoundFile& file : files) {
    put_bytes(out, file.name);
    put(out, static_cast<double>(file.size));
  }
  for (const std::string& text : texts) put_contents(out, folder.get(), text, kMostTextBytes);
  put_contents(out, folder.get(), snapshot != nullptr ? snapshot->name : std::string(), kMostSnapshotBytes);
}

// Reads i32 length and bytes at `at`, which moves behind them.
bool take(const std::uint8_t* bytes, std::size_t length, std::size_t& at, std::string_view& part) {
  std::int32_t size;
  if (length - at < sizeof size) return false;
  std::memcpy(&size, bytes + at, sizeof size);
  at += sizeof size;
  if (size < 0 || static_cast<std::size_t>(size) > length - at) return false;
  part = {reinterpret_cast<const char*>(bytes + at), static_cast<std::size_t>(size)};
  at += static_cast<std::size_t>(size);
  return true;
}

int write_file(const std::string& path, std::string_view contents, bool replaces, bool durable) {
  const std::string temporary = replaces ? path + ".tmp" : path;
  int result = 0;
  {
    const Descriptor file(open_file(AT_FDCWD, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    if (!file) return file.get();
    result = write_at(file.get(), contents.data(), contents.size(), 0);
    if (result == 0 && durable) result = sync_file(file.get());
  }
  if (result == 0 && replaces && ::rename(temporary.c_str(), path.c_str()) != 0) result = -errno;
  if (result < 0) ::unlink(temporary.c_str());
  return result;
}

}  // namespace

std::vector<std::uint8_t> survey_folders(const SurveyRequest& request) {
  std::vector<std::uint8_t> out;
  out.reserve(request.folders.size() * 512);
  const Descriptor dir(::open(request.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int error = dir ? 0 : -errno;
  for (const std::string& folder : request.folders) {
    if (dir) survey_folder(dir.get(), folder, request.texts, out);
    else put(out, static_cast<std::int32_t>(error));
  }
  return out;
}

int write_files(const std::uint8_t* files, std::size_t length, bool durable) {
  int first = 0;
  for (std::size_t at = 0; at < length;) {
    std::int32_t replaces;
    std::string_view path;
    std::string_view contents;
    if (length - at < sizeof replaces) return -EINVAL;
    std::memcpy(&replaces, files + at, sizeof replaces);
    at += sizeof replaces;
    if (!take(files, length, at, path) || !take(files, length, at, contents)) return -EINVAL;
    const std::string name(path);
    int result;
    if (replaces == 2) result = ::rename((name + ".tmp").c_str(), name.c_str()) == 0 ? 0 : -errno;
    else result = write_file(name, contents, replaces != 0, durable);
    if (first == 0) first = result;
  }
  return first;
}

int sync_file_system(int fd) {
  // Kinds whose syncfs() is known to wait for the disk: ext2 to 4, XFS, Btrfs, F2FS, tmpfs (which has nothing to wait for).
  constexpr std::array<std::uint32_t, 5> kKnown = {0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x01021994};
  struct statfs status;
  if (fstatfs(fd, &status) != 0) return -errno;
  if (std::find(kKnown.begin(), kKnown.end(), static_cast<std::uint32_t>(status.f_type)) == kKnown.end()) return -EOPNOTSUPP;
  return syncfs(fd) == 0 ? 0 : -errno;
}

}  // namespace sluice
