// load drop-cache: writes files to the disk and takes them out of the page cache. Needs no more than permission to read them.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <iostream>
#include <vector>

#include "commands.h"
#include "failure.h"
#include "file_descriptor.h"

namespace load {
namespace {

// Bytes of the file that are in the page cache; -1: the kernel does not tell.
std::int64_t resident_bytes(int fd, std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return -1;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((size + page - 1) / page);
  const int failed = mincore(memory, size, pages.data());
  munmap(memory, size);
  if (failed != 0) return -1;
  std::int64_t resident = 0;
  for (const unsigned char each : pages) resident += (each & 1) * static_cast<std::int64_t>(page);
  return resident;
}

}  // namespace

void drop_cache_command(Arguments& arguments) {
  arguments.end();
  std::int64_t bytes = 0;
  std::int64_t resident = 0;
  for (const std::string& path : arguments.rest()) {
    const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) fail_errno(path);
    struct stat status;
    if (fstat(file.get(), &status) < 0) fail_errno(path);
    // Dirty pages stay whatever is advised.
    if (fsync(file.get()) < 0) fail_errno(path);
    if (const int error = posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED); error != 0) fail_errno(path, error);
    if (status.st_size == 0) continue;
    bytes += status.st_size;
    const std::int64_t left = resident_bytes(file.get(), static_cast<std::size_t>(status.st_size));
    resident = left < 0 || resident < 0 ? -1 : resident + left;
  }
  std::cout << "{\"bytes\":" << bytes << ",\"residentBytes\":" << resident << "}" << std::endl;
}

}  // namespace load
