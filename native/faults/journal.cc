#undef _FILE_OFFSET_BITS
#include "journal.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace sluice_faults {
namespace {

int journal_fd = -1;

struct __attribute__((packed)) Header {
  std::uint32_t total;
  std::uint8_t op;
  std::uint8_t flag;
  std::uint16_t path;
  std::uint16_t to;
  std::uint16_t zero16;
  std::uint32_t zero32;
  std::uint64_t file;
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t micros;
};

std::uint64_t now_micros() {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

void open_journal(const char* path) {
  if (path == nullptr || *path == '\0') return;
  journal_fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
}

void write_record(const Record& record, const struct iovec* data, std::size_t pieces, std::size_t bytes) {
  if (journal_fd < 0) return;
  std::vector<std::uint8_t> out;
  const std::size_t path = record.path != nullptr ? record.path->size() : 0;
  const std::size_t to = record.to != nullptr ? record.to->size() : 0;
  const std::size_t total = sizeof(Header) + path + to + bytes;
  out.reserve(total);
  const Header header{static_cast<std::uint32_t>(total), static_cast<std::uint8_t>(record.op), record.flag, static_cast<std::uint16_t>(path),
                      static_cast<std::uint16_t>(to), 0, 0, record.file, record.offset, record.length, now_micros()};
  const auto add = [&out](const void* from, std::size_t count) {
    const auto* first = static_cast<const std::uint8_t*>(from);
    out.insert(out.end(), first, first + count);
  };
  add(&header, sizeof header);
  if (path > 0) add(record.path->data(), path);
  if (to > 0) add(record.to->data(), to);
  for (std::size_t i = 0; i < pieces && bytes > 0; i++) {
    const std::size_t here = std::min(bytes, data[i].iov_len);
    add(data[i].iov_base, here);
    bytes -= here;
  }
  for (std::size_t done = 0; done < out.size();) {
    const long put = syscall(SYS_write, journal_fd, out.data() + done, out.size() - done);
    if (put <= 0) return;
    done += static_cast<std::size_t>(put);
  }
}

}  // namespace sluice_faults
