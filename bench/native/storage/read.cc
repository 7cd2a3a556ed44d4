// storage read: pread into one buffer.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "../load/failure.h"
#include "../load/file_descriptor.h"
#include "commands.h"
#include "report.h"

namespace storage {

void read_command(load::Arguments& arguments) {
  const auto read_bytes = static_cast<std::uint64_t>(arguments.number("read-bytes", {}, 1, 1 << 30));
  const auto most = static_cast<load::Nanoseconds>(arguments.real("seconds", {}, 0, 1e6) * load::kSecond);
  const bool at_random = arguments.on("random");
  arguments.end();
  if (arguments.rest().size() != 1) throw load::UsageFailure("one file is needed");
  const std::string path = arguments.rest().front();
  const load::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) < 0) load::fail_errno(path);
  const std::uint64_t places = static_cast<std::uint64_t>(status.st_size) / read_bytes;
  if (places == 0) load::fail(path + " is shorter than one read");
  std::vector<std::uint8_t> buffer(read_bytes);
  std::mt19937_64 random(1);
  Done done;
  done.count([&] {
    constexpr int kReadsBetweenLooks = 16;
    const load::Nanoseconds until = load::now() + most;
    for (std::uint64_t turn = 0; turn % kReadsBetweenLooks != 0 || load::now() < until; turn++) {
      const std::uint64_t place = at_random ? random() % places : turn % places;
      const ssize_t got = pread(file.get(), buffer.data(), read_bytes, static_cast<off_t>(place * read_bytes));
      if (got != static_cast<ssize_t>(read_bytes)) load::fail_errno(path);
      done.bytes += read_bytes;
      done.operations++;
    }
  });
  report(done);
}

}  // namespace storage
