// storage scan: what a recovery has to do at least, reading everything once and computing its checksums.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "../../../native/crc32c.h"
#include "../load/failure.h"
#include "../load/file_descriptor.h"
#include "commands.h"
#include "report.h"

namespace storage {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;

std::uint64_t scan_file(const std::string& path, std::vector<std::uint8_t>& buffer, std::atomic<std::uint32_t>& checksums) {
  const load::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) load::fail_errno(path);
  std::uint64_t position = 0;
  std::uint32_t checksum = 0;
  for (;;) {
    const ssize_t got = pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(position));
    if (got < 0) load::fail_errno(path);
    if (got == 0) break;
    checksum = sluice::crc32c(buffer.data(), static_cast<std::size_t>(got), checksum);
    position += static_cast<std::uint64_t>(got);
  }
  checksums ^= checksum;
  return position;
}

}  // namespace

void scan_command(load::Arguments& arguments) {
  const auto thread_count = static_cast<std::size_t>(arguments.number("threads", 1, 1, 1024));
  arguments.end();
  const std::vector<std::string> files = arguments.rest();
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint32_t> checksums{0};
  std::exception_ptr failure;
  std::mutex failing;
  Done done;
  done.count([&] {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < thread_count; i++) {
      threads.emplace_back([&] {
        try {
          std::vector<std::uint8_t> buffer(kPieceBytes);
          for (std::size_t at = next++; at < files.size(); at = next++) bytes += scan_file(files[at], buffer, checksums);
        } catch (...) {
          std::lock_guard lock(failing);
          failure = std::current_exception();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  if (failure) std::rethrow_exception(failure);
  done.bytes = bytes;
  done.checksum = checksums;
  done.operations = files.size();
  report(done);
}

}  // namespace storage
