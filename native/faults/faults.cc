// Loaded by LD_PRELOAD before a program that changes files: makes chosen changes under one folder fail or kill the process, and keeps a journal of
// all of them. No part of the broker: only `sluice verify-crash` and the tests load it.
//
//   SLUICE_FAULTS_ROOT     the folder, absolute, without symbolic links; without it nothing is touched
//   SLUICE_FAULTS_JOURNAL  where the journal goes (see journal.h); optional
//   SLUICE_FAULTS_RULES    what goes wrong from the start (see rules.h); optional
//   SLUICE_FAULTS_CONTROL  a file: what the program writes to it becomes a mark in the journal; text that begins with `rules ` replaces the rules
//
// Changes are made one at a time under a lock, so that the journal has their order; syncs run beside them. System calls are made directly: nothing
// here depends on what else is interposed.
#undef _FILE_OFFSET_BITS

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <mutex>
#include <string>
#include <vector>

#include "journal.h"
#include "rules.h"
#include "watch.h"

// The names of the library are given by label: its headers may declare them with attributes that a second definition can't repeat.
#define EXPORTED(name) __asm__(name) __attribute__((visibility("default")))

namespace sluice_faults {
namespace {

[[noreturn]] void die() {
  for (;;) syscall(SYS_kill, getpid(), SIGKILL);
}

long fail(int error) {
  errno = error;
  return -1;
}

// Marks and new rules come this way.
void take_control(const struct iovec* data, std::size_t pieces) {
  std::string text;
  for (std::size_t i = 0; i < pieces; i++) text.append(static_cast<const char*>(data[i].iov_base), data[i].iov_len);
  std::lock_guard lock(setup().order);
  if (text.compare(0, 6, "rules ") == 0) set_rules(text.c_str() + 6);
  write_record({.op = Op::Mark}, data, pieces, text.size());
}

// A change that has no bytes: judged, made, written down.
template <typename Change>
long change(const Record& record, bool folder, Change make) {
  std::lock_guard lock(setup().order);
  const Verdict verdict = judge(record.op, folder, *record.path, record.to);
  if (verdict.action == Action::Kill || verdict.action == Action::KillMid) die();
  if (verdict.action == Action::Fail) return fail(verdict.error);
  const long result = make();
  if (result == 0) write_record(record);
  if (verdict.action == Action::KillAfter) die();
  return result;
}

long open_file(int folder, const char* path, int flags, mode_t mode) {
  std::string relative;
  if ((flags & O_PATH) != 0 || !ours(folder, path, relative)) return syscall(SYS_openat, folder, path, flags, mode);
  std::lock_guard lock(setup().order);
  const std::uint64_t before = inode_at(folder, path);
  const bool creates = (flags & O_CREAT) != 0 && before == 0;
  const Verdict verdict = judge(creates ? Op::Create : Op::Open, false, relative);
  if (verdict.action == Action::Kill || verdict.action == Action::KillMid) die();
  if (verdict.action == Action::Fail) return fail(verdict.error);
  const long fd = syscall(SYS_openat, folder, path, flags, mode);
  if (fd >= 0 && creates) write_record({.op = Op::Create, .file = inode_at(folder, path), .path = &relative});
  else if (fd >= 0 && (flags & O_TRUNC) != 0) write_record({.op = Op::Truncate, .file = before, .path = &relative});
  if (verdict.action == Action::KillAfter) die();
  return fd;
}

std::size_t bytes_of(const struct iovec* data, std::size_t pieces) {
  std::size_t all = 0;
  for (std::size_t i = 0; i < pieces; i++) all += data[i].iov_len;
  return all;
}

std::vector<struct iovec> first_bytes(const struct iovec* data, std::size_t pieces, std::size_t bytes) {
  std::vector<struct iovec> first;
  for (std::size_t i = 0; i < pieces && bytes > 0; i++) {
    const std::size_t here = std::min(bytes, data[i].iov_len);
    first.push_back({data[i].iov_base, here});
    bytes -= here;
  }
  return first;
}

// offset -1: where the descriptor stands.
long put(int fd, const struct iovec* data, std::size_t pieces, std::int64_t offset) {
  return offset < 0 ? syscall(SYS_writev, fd, data, pieces) : syscall(SYS_pwritev, fd, data, pieces, offset, 0L);
}

std::uint64_t position_of(int fd) {
  if ((syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) == 0) return static_cast<std::uint64_t>(syscall(SYS_lseek, fd, 0L, SEEK_CUR));
  struct stat status;
  return syscall(SYS_fstat, fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void wait_for_rules(unsigned since) {
  constexpr struct timespec kPause = {0, 1'000'000};
  while (rules_version() == since) syscall(SYS_nanosleep, &kPause, nullptr);
}

long write_file(int fd, const struct iovec* data, std::size_t pieces, std::int64_t offset) {
  if (setup().root.empty()) return put(fd, data, pieces, offset);
  if (!setup().control.empty() && offset < 0 && path_of(fd) == setup().control) take_control(data, pieces);
  Target target;
  if (!ours(fd, target)) return put(fd, data, pieces, offset);
  std::unique_lock lock(setup().order);
  Verdict verdict = judge(Op::Write, false, target.path);
  while (verdict.action == Action::Hold) {
    const unsigned version = rules_version();
    lock.unlock();
    wait_for_rules(version);
    lock.lock();
    verdict = judge(Op::Write, false, target.path);
  }
  if (verdict.action == Action::Kill) die();
  if (verdict.action == Action::Fail) return fail(verdict.error);
  const std::uint64_t at = offset < 0 ? position_of(fd) : static_cast<std::uint64_t>(offset);
  const std::size_t whole = bytes_of(data, pieces);
  const bool part = verdict.action == Action::KillMid || verdict.action == Action::Short;
  const auto chosen = first_bytes(data, pieces, part ? (whole + 1) / 2 : whole);
  const long result = put(fd, chosen.data(), chosen.size(), offset);
  if (result > 0) {
    const int before = errno;
    write_record({.op = Op::Write, .file = target.file, .offset = at, .length = static_cast<std::uint64_t>(result), .path = &target.path}, chosen.data(), chosen.size(),
                 static_cast<std::size_t>(result));
    errno = before;
  }
  if (verdict.action == Action::KillMid || verdict.action == Action::KillAfter) die();
  return result;
}

// Not under the lock: appends go on while a sync runs, and it covers only those that were over when it began.
long sync_file(int fd, long number) {
  Target target;
  if (!ours(fd, target)) return syscall(number, fd);
  Verdict verdict;
  unsigned version;
  {
    std::lock_guard lock(setup().order);
    verdict = judge(Op::SyncBegin, target.folder, target.path);
    version = rules_version();
    if (verdict.action == Action::Kill || verdict.action == Action::KillMid) die();
    write_record({.op = Op::SyncBegin, .file = target.file, .path = &target.path});
  }
  if (verdict.action == Action::Hold) wait_for_rules(version);
  const long result = verdict.action == Action::Fail ? fail(verdict.error) : syscall(number, fd);
  const int error = errno;
  std::lock_guard lock(setup().order);
  write_record({.op = Op::SyncEnd, .flag = static_cast<std::uint8_t>(result == 0 ? 0 : 1), .file = target.file, .path = &target.path});
  if (verdict.action == Action::KillAfter) die();
  errno = error;
  return result;
}

// Beside changes, as a sync of one file.
long sync_all(int fd) {
  Target target;
  if (!ours(fd, target)) return syscall(SYS_syncfs, fd);
  Verdict verdict;
  {
    std::lock_guard lock(setup().order);
    verdict = judge(Op::SyncAll, false, target.path);
    if (verdict.action == Action::Kill || verdict.action == Action::KillMid) die();
    write_record({.op = Op::SyncBegin, .path = &target.path});
  }
  const long result = verdict.action == Action::Fail ? fail(verdict.error) : syscall(SYS_syncfs, fd);
  const int error = errno;
  std::lock_guard lock(setup().order);
  write_record({.op = Op::SyncEnd, .flag = static_cast<std::uint8_t>(result == 0 ? 0 : 1), .path = &target.path});
  if (verdict.action == Action::KillAfter) die();
  errno = error;
  return result;
}

// 0: the read may go on; else its error.
int read_error(int fd) {
  if (!minds_reads()) return 0;
  Target target;
  if (!ours(fd, target)) return 0;
  std::lock_guard lock(setup().order);
  const Verdict verdict = judge(Op::Read, false, target.path);
  return verdict.action == Action::Fail ? verdict.error : 0;
}

template <typename Read>
long read_file(int fd, Read read) {
  const int error = read_error(fd);
  return error != 0 ? fail(error) : read();
}

long resize(int fd, std::uint64_t size, bool only_larger) {
  Target target;
  const auto make = [&] { return only_larger ? syscall(SYS_fallocate, fd, 0, 0L, size) : syscall(SYS_ftruncate, fd, size); };
  if (!ours(fd, target)) return make();
  struct stat status;
  if (only_larger && syscall(SYS_fstat, fd, &status) == 0) size = std::max(size, static_cast<std::uint64_t>(status.st_size));
  return change({.op = Op::Truncate, .file = target.file, .length = size, .path = &target.path}, false, make);
}

long rename_file(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  std::string old_name;
  std::string new_name;
  const auto make = [&] { return syscall(SYS_renameat2, from_folder, from, to_folder, to, flags); };
  if (!ours(from_folder, from, old_name) || !ours(to_folder, to, new_name)) return make();
  return change({.op = Op::Rename, .path = &old_name, .to = &new_name}, false, make);
}

long change_entry(Op op, int folder, const char* path, long number, long argument) {
  std::string relative;
  Record record{.op = op, .path = &relative};
  const auto make = [&] {
    const long result = syscall(number, folder, path, argument);
    if (result == 0 && op == Op::MakeFolder) record.file = inode_at(folder, path);
    return result;
  };
  return ours(folder, path, relative) ? change(record, false, make) : make();
}

}  // namespace

extern "C" {

#define OPEN(name, symbol)                                     \
  int name(const char* path, int flags, ...) EXPORTED(symbol); \
  int name(const char* path, int flags, ...) {                 \
    va_list more;                                              \
    va_start(more, flags);                                     \
    const mode_t mode = va_arg(more, mode_t);                  \
    va_end(more);                                              \
    return static_cast<int>(open_file(AT_FDCWD, path, flags, mode)); \
  }
#define OPEN_AT(name, symbol)                                              \
  int name(int folder, const char* path, int flags, ...) EXPORTED(symbol); \
  int name(int folder, const char* path, int flags, ...) {                 \
    va_list more;                                                          \
    va_start(more, flags);                                                 \
    const mode_t mode = va_arg(more, mode_t);                              \
    va_end(more);                                                          \
    return static_cast<int>(open_file(folder, path, flags, mode));         \
  }
// One definition for each name; `call` is what it does.
#define CALL(type, name, symbol, parameters, call) \
  type name parameters EXPORTED(symbol);           \
  type name parameters { return static_cast<type>(call); }

OPEN(faults_open, "open")
OPEN(faults_open64, "open64")
OPEN_AT(faults_openat, "openat")
OPEN_AT(faults_openat64, "openat64")
CALL(int, faults_creat, "creat", (const char* path, mode_t mode), open_file(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode))

ssize_t faults_write(int fd, const void* data, size_t length) EXPORTED("write");
ssize_t faults_write(int fd, const void* data, size_t length) {
  const struct iovec piece = {const_cast<void*>(data), length};
  if (setup().root.empty()) return syscall(SYS_write, fd, data, length);
  return write_file(fd, &piece, 1, -1);
}
ssize_t faults_pwrite(int fd, const void* data, size_t length, off64_t offset) EXPORTED("pwrite");
ssize_t faults_pwrite(int fd, const void* data, size_t length, off64_t offset) {
  const struct iovec piece = {const_cast<void*>(data), length};
  return write_file(fd, &piece, 1, offset);
}
CALL(ssize_t, faults_pwrite64, "pwrite64", (int fd, const void* data, size_t length, off64_t offset), faults_pwrite(fd, data, length, offset))
CALL(ssize_t, faults_writev, "writev", (int fd, const struct iovec* data, int pieces), write_file(fd, data, static_cast<std::size_t>(pieces), -1))
CALL(ssize_t, faults_pwritev, "pwritev", (int fd, const struct iovec* data, int pieces, off64_t offset),
     write_file(fd, data, static_cast<std::size_t>(pieces), offset))
CALL(ssize_t, faults_pwritev64, "pwritev64", (int fd, const struct iovec* data, int pieces, off64_t offset),
     write_file(fd, data, static_cast<std::size_t>(pieces), offset))
CALL(int, faults_fsync, "fsync", (int fd), sync_file(fd, SYS_fsync))
CALL(int, faults_fdatasync, "fdatasync", (int fd), sync_file(fd, SYS_fdatasync))
// A process that kills itself does it between two changes: what another thread has just done stands in the journal.
int faults_kill(pid_t pid, int signal) EXPORTED("kill");
int faults_kill(pid_t pid, int signal) {
  if (setup().root.empty() || pid != getpid() || signal != SIGKILL) return static_cast<int>(syscall(SYS_kill, pid, signal));
  std::lock_guard lock(setup().order);
  die();
}
CALL(int, faults_syncfs, "syncfs", (int fd), sync_all(fd))
CALL(ssize_t, faults_read, "read", (int fd, void* into, size_t length), read_file(fd, [&] { return syscall(SYS_read, fd, into, length); }))
CALL(ssize_t, faults_pread, "pread", (int fd, void* into, size_t length, off64_t offset),
     read_file(fd, [&] { return syscall(SYS_pread64, fd, into, length, offset); }))
CALL(ssize_t, faults_pread64, "pread64", (int fd, void* into, size_t length, off64_t offset), faults_pread(fd, into, length, offset))
CALL(ssize_t, faults_preadv, "preadv", (int fd, const struct iovec* into, int pieces, off64_t offset),
     read_file(fd, [&] { return syscall(SYS_preadv, fd, into, static_cast<unsigned long>(pieces), offset, 0L); }))
CALL(ssize_t, faults_preadv64, "preadv64", (int fd, const struct iovec* into, int pieces, off64_t offset), faults_preadv(fd, into, pieces, offset))
CALL(ssize_t, faults_preadv2, "preadv2", (int fd, const struct iovec* into, int pieces, off64_t offset, int flags),
     read_file(fd, [&] { return syscall(SYS_preadv2, fd, into, static_cast<unsigned long>(pieces), offset, 0L, flags); }))
CALL(ssize_t, faults_preadv64v2, "preadv64v2", (int fd, const struct iovec* into, int pieces, off64_t offset, int flags),
     faults_preadv2(fd, into, pieces, offset, flags))
CALL(int, faults_ftruncate, "ftruncate", (int fd, off64_t size), resize(fd, static_cast<std::uint64_t>(size), false))
CALL(int, faults_ftruncate64, "ftruncate64", (int fd, off64_t size), resize(fd, static_cast<std::uint64_t>(size), false))
// What makes a file longer, and what only reserves room behind its end, of which a power cut leaves nothing that can be read. Holes are not punched by
// anything that is watched here.
CALL(int, faults_fallocate, "fallocate", (int fd, int mode, off64_t offset, off64_t length),
     mode == 0                      ? resize(fd, static_cast<std::uint64_t>(offset + length), true)
     : mode == FALLOC_FL_KEEP_SIZE ? syscall(SYS_fallocate, fd, mode, offset, length)
                                    : fail(EOPNOTSUPP))
CALL(int, faults_fallocate64, "fallocate64", (int fd, int mode, off64_t offset, off64_t length), faults_fallocate(fd, mode, offset, length))
CALL(int, faults_posix_fallocate, "posix_fallocate", (int fd, off64_t offset, off64_t length), faults_fallocate(fd, 0, offset, length) == 0 ? 0 : errno)
CALL(int, faults_posix_fallocate64, "posix_fallocate64", (int fd, off64_t offset, off64_t length), faults_posix_fallocate(fd, offset, length))
CALL(int, faults_rename, "rename", (const char* from, const char* to), rename_file(AT_FDCWD, from, AT_FDCWD, to, 0))
CALL(int, faults_renameat, "renameat", (int from_folder, const char* from, int to_folder, const char* to), rename_file(from_folder, from, to_folder, to, 0))
CALL(int, faults_renameat2, "renameat2", (int from_folder, const char* from, int to_folder, const char* to, unsigned flags),
     rename_file(from_folder, from, to_folder, to, flags))
CALL(int, faults_unlink, "unlink", (const char* path), change_entry(Op::Unlink, AT_FDCWD, path, SYS_unlinkat, 0))
CALL(int, faults_unlinkat, "unlinkat", (int folder, const char* path, int flags),
     change_entry((flags & AT_REMOVEDIR) != 0 ? Op::RemoveFolder : Op::Unlink, folder, path, SYS_unlinkat, flags))
CALL(int, faults_rmdir, "rmdir", (const char* path), change_entry(Op::RemoveFolder, AT_FDCWD, path, SYS_unlinkat, AT_REMOVEDIR))
CALL(int, faults_mkdir, "mkdir", (const char* path, mode_t mode), change_entry(Op::MakeFolder, AT_FDCWD, path, SYS_mkdirat, mode))
CALL(int, faults_mkdirat, "mkdirat", (int folder, const char* path, mode_t mode), change_entry(Op::MakeFolder, folder, path, SYS_mkdirat, mode))

int faults_link(const char* from, const char* to) EXPORTED("link");
int faults_link(const char* from, const char* to) {
  std::string old_name;
  std::string new_name;
  const auto make = [&] { return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0); };
  if (!ours(AT_FDCWD, from, old_name) || !ours(AT_FDCWD, to, new_name)) return static_cast<int>(make());
  return static_cast<int>(change({.op = Op::Link, .path = &old_name, .to = &new_name}, false, make));
}

// Copies inside the kernel into a watched file would pass by the journal: callers fall back to writing.
ssize_t faults_copy_file_range(int in, off64_t* in_at, int out, off64_t* out_at, size_t length, unsigned flags) EXPORTED("copy_file_range");
ssize_t faults_copy_file_range(int in, off64_t* in_at, int out, off64_t* out_at, size_t length, unsigned flags) {
  Target target;
  if (ours(out, target)) return fail(EXDEV);
  return syscall(SYS_copy_file_range, in, in_at, out, out_at, length, flags);
}
ssize_t faults_sendfile(int out, int in, off64_t* offset, size_t length) EXPORTED("sendfile");
ssize_t faults_sendfile(int out, int in, off64_t* offset, size_t length) {
  Target target;
  if (ours(out, target)) return fail(EINVAL);
  return syscall(SYS_sendfile, out, in, offset, length);
}
CALL(ssize_t, faults_sendfile64, "sendfile64", (int out, int in, off64_t* offset, size_t length), faults_sendfile(out, in, offset, length))
// Starts writing back and promises nothing: it counts as no sync.
CALL(int, faults_sync_file_range, "sync_file_range", (int fd, off64_t offset, off64_t length, unsigned flags),
     syscall(SYS_sync_file_range, fd, offset, length, flags))

}  // extern "C"

}  // namespace sluice_faults
