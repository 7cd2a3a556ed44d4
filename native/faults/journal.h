// The journal of a run: every change under the watched folder, in the order in which it was made. src/cli/crash-journal.ts reads it.
//
//   record: u32 bytes of all · u8 operation · u8 flag · u16 bytes of path · u16 bytes of second path · u16 0 · u32 0 · u64 file (inode)
//           u64 offset · u64 length · u64 microseconds since the epoch · path · second path · data       (little-endian)
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice_faults {

enum class Op : std::uint8_t {
  Create = 1,    // path, file: it was not there before
  Write = 2,     // file, offset, data
  Truncate = 3,  // file, length: the new size
  Rename = 4,    // path, second path
  Unlink = 5,    // path
  MakeFolder = 6,
  RemoveFolder = 7,
  SyncBegin = 8,  // file: a file or a folder; 0: all of the file system
  SyncEnd = 9,    // flag: 0 when it worked
  Mark = 10,      // data: what the program said about itself
  Link = 11,      // path of the file, path of the new name
  Open = 12,      // this and those that follow: never in the journal, for rules
  Read = 13,
  SyncAll = 14
};

struct Record {
  Op op;
  std::uint8_t flag = 0;
  std::uint64_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  const std::string* path = nullptr;
  const std::string* to = nullptr;
};

// Opens the journal anew. An empty path: none is kept.
void open_journal(const char* path);
// One system call, so that a kill leaves whole records (but perhaps the last). The caller keeps the order.
void write_record(const Record& record, const struct iovec* data = nullptr, std::size_t pieces = 0, std::size_t bytes = 0);

}  // namespace sluice_faults
