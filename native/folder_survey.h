// What stands in the folders of many logs, and small files of theirs, read and written in one job each: a broker with thousands of partitions starts
// and stops without a thread switch for each file. No policy: JavaScript decides what the findings mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

struct SurveyRequest {
  std::string dir;
  std::vector<std::string> folders;  // in `dir`
  std::vector<std::string> texts;    // files whose contents are wanted of each folder
};

// One entry per folder, in order; little-endian, nothing aligned:
//
//   i32 0 or -errno; when below 0 nothing more follows
//   f64 the offset behind the last batch of the newest segment; -1: not known without reading more of it
//   f64 the largest timestamp of that segment's first batch; NaN: not known
//   i32 files, each: i32 length and bytes of the name · f64 size (of .log and .txnindex; else -1; -2: no file, but a folder or a link that leads nowhere)
//   for each wanted text, then for the newest .snapshot: i32 length, -1 (none) or -2 (not read: too long, or it failed), and the bytes
std::vector<std::uint8_t> survey_folders(const SurveyRequest& request);

// Writes small files: `files` holds for each i32 1 when an older one is to be replaced as a whole (temporary file, rename) or 0, or 2 when only the rename
// is to be done, of a temporary file that was written before; then i32 length and bytes of the path, then of the contents, little-endian. With `durable` the
// contents are on the disk; the name is not: that takes a flush of the folder.
// 0, or -errno of the first that failed (the rest is tried all the same); -EINVAL: malformed.
int write_files(const std::uint8_t* files, std::size_t length, bool durable);

// Everything written to the file system of `fd` before the call is on the disk. -EOPNOTSUPP: not known to do so on this kind of file system.
int sync_file_system(int fd);

}  // namespace sluice
