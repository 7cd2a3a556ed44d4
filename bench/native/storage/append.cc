// storage append: pwrite, and fdatasync behind each group.
#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "../load/failure.h"
#include "../load/file_descriptor.h"
#include "commands.h"
#include "report.h"

namespace storage {
namespace {

struct Plan {
  std::string folder;
  std::uint64_t batch_bytes;
  std::uint64_t lap_bytes;
  std::uint64_t logs;
  std::uint64_t group;
  bool sync;
};

struct File {
  load::FileDescriptor descriptor;
  std::string path;
  std::uint64_t end = 0;
  bool touched = false;
};

std::vector<File> new_files(const Plan& plan) {
  std::vector<File> files(plan.logs);
  for (std::size_t i = 0; i < files.size(); i++) {
    files[i].path = plan.folder + "/bare-" + std::to_string(i) + ".log";
    files[i].descriptor = load::FileDescriptor(open(files[i].path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (files[i].descriptor.get() < 0) load::fail_errno(files[i].path);
  }
  return files;
}

void write_whole(File& file, const std::vector<std::uint8_t>& batch) {
  for (std::size_t at = 0; at < batch.size();) {
    const ssize_t put = pwrite(file.descriptor.get(), batch.data() + at, batch.size() - at, static_cast<off_t>(file.end + at));
    if (put <= 0) load::fail_errno(file.path);
    at += static_cast<std::size_t>(put);
  }
  file.end += batch.size();
  file.touched = true;
}

void sync_touched(std::vector<File>& files, Done& done) {
  for (File& file : files) {
    if (!file.touched) continue;
    file.touched = false;
    if (fdatasync(file.descriptor.get()) < 0) load::fail_errno(file.path);
    done.syncs++;
  }
}

// As long as the lap goes, and for a lap with syncs, which may take long, as long as there is time.
void write_lap(const Plan& plan, const std::vector<std::uint8_t>& batch, load::Nanoseconds most, std::vector<File>& files, Done& done) {
  const load::Nanoseconds until = load::now() + most;
  std::size_t next = 0;
  for (std::uint64_t bytes = 0; bytes < plan.lap_bytes;) {
    for (std::uint64_t in_group = 0; in_group < plan.group && bytes < plan.lap_bytes; in_group++) {
      write_whole(files[next++ % files.size()], batch);
      bytes += batch.size();
      done.bytes += batch.size();
      done.operations++;
    }
    if (!plan.sync) continue;
    sync_touched(files, done);
    if (load::now() >= until) return;
  }
}

void lap(const Plan& plan, const std::vector<std::uint8_t>& batch, load::Nanoseconds most, Done& done) {
  std::vector<File> files = new_files(plan);
  done.count([&] { write_lap(plan, batch, most, files, done); });
  for (const File& file : files) unlink(file.path.c_str());
}

}  // namespace

void append_command(load::Arguments& arguments) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  const Plan plan{arguments.text("dir"),
                  static_cast<std::uint64_t>(arguments.number("batch-bytes", {}, 1, 1 << 30)),
                  static_cast<std::uint64_t>(arguments.number("bytes", {}, 1, kMost)),
                  static_cast<std::uint64_t>(arguments.number("logs", 1, 1, 10'000)),
                  static_cast<std::uint64_t>(arguments.number("group", 1, 1, 1'000'000)),
                  arguments.on("sync")};
  const auto most = static_cast<load::Nanoseconds>(arguments.real("seconds", {}, 0, 1e6) * load::kSecond);
  arguments.end();
  std::vector<std::uint8_t> batch(plan.batch_bytes);
  std::mt19937 random(1);
  for (std::uint8_t& byte : batch) byte = static_cast<std::uint8_t>(random());
  Done warm_up;
  lap(plan, batch, most / 4, warm_up);
  Done done;
  do lap(plan, batch, most - done.spent, done);
  while (done.spent < most);
  report(done);
}

}  // namespace storage
