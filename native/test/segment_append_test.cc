// What a segment takes and refuses, and what it leaves on the disk when a write fails.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "segment_support.h"

using namespace sluice;

namespace {

void refusals(const TempFolder& folder) {
  Segment segment(options(folder.file("refusals")));
  Log log;
  CHECK_EQ(append(segment, log, 1, 200, 5), 0);
  log.next = 100;
  CHECK_EQ(append(segment, log, 1, 200, 5), -EINVAL);  // offsets must rise
  log.next = 100 + (std::int64_t{1} << 32);
  CHECK_EQ(append(segment, log, 1, 200, 5), -EOVERFLOW);
  log.next = 101;
  CHECK_EQ(segment.truncate(100), -EINVAL);
  CHECK_EQ(segment.truncate(201), -EINVAL);
  CHECK(!segment.region(100, 101).has_value());
  CHECK(!segment.region(UINT64_MAX, 2).has_value());
  const auto region = segment.region(100, 100);
  CHECK(region.has_value() && region->valid());
  CHECK_EQ(segment.seal(-1, -1), 0);
  CHECK_EQ(append(segment, log, 1, 200, 5), -EPERM);
  CHECK_EQ(segment.truncate(0), 0);
  CHECK(!region->valid());
  log.next = 100;
  CHECK_EQ(append(segment, log, 1, 200, 5), 0);
  CHECK(!region->valid());

  Segment existing(options(folder.file("refusals")));
  std::uint64_t size;
  CHECK_EQ(existing.prepare(size), -EEXIST);
  Segment shorter(options(folder.file("refusals"), 201));
  CHECK_EQ(shorter.prepare(size), -ENODATA);
  Segment missing(options(folder.file("missing"), 0));
  CHECK_EQ(missing.prepare(size), -ENOENT);
  BatchPlace place;
  CHECK_EQ(missing.locate(100, Wait::No, place), -EAGAIN);
}

// A batch whose memory is somebody else's, written with another header.
void stamped(const TempFolder& folder) {
  Segment segment(options(folder.file("stamped")));
  const Bytes batch = make_batch({.base_offset = 0, .records = 2, .bytes = 3000});
  std::vector<Bytes> headers;
  std::vector<AppendPart> parts;
  for (int i = 0; i < 600; i++) {
    Bytes& header = headers.emplace_back(batch.begin(), batch.begin() + kBatchHeaderBytes);
    stamp(header.data(), 100 + 2 * i, 7);
  }
  for (const Bytes& header : headers) parts.push_back({batch.data(), batch.size(), header.data()});
  std::uint64_t end;
  CHECK_EQ(segment.append(parts.data(), parts.size(), end), 0);
  CHECK_EQ(BatchHeader(batch.data()).base_offset(), 0);
  const auto pool = FramePool::create(1 << 24);
  FrameRef read;
  CHECK_EQ(segment.read(0, end, *pool, read), 0);
  for (int i = 0; i < 600; i++) {
    const std::uint8_t* at = read.data() + i * 3000;
    CHECK_EQ(BatchHeader(at).base_offset(), 100 + 2 * i);
    CHECK_EQ(BatchHeader(at).leader_epoch(), 7);
    CHECK(std::equal(at + kBatchCrcFrom, at + 3000, batch.begin() + kBatchCrcFrom));
    BatchPlace place;
    CHECK_EQ(segment.locate(101 + 2 * i, Wait::No, place), 0);
    CHECK_EQ(place.position, static_cast<std::uint64_t>(i) * 3000);
  }
}

// A write that fails in the middle leaves nothing: neither visible, nor in the file, nor in the indexes.
void failed_write(const TempFolder& folder) {
  signal(SIGXFSZ, SIG_IGN);
  const std::string path = folder.file("full");
  Segment segment(options(path));
  Log log;
  for (int i = 0; i < 5; i++) CHECK_EQ(append(segment, log, 2, 300, i), 0);
  struct rlimit before;
  CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small = {1600, before.rlim_max};
  CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  CHECK_EQ(append(segment, log, 2, 300, 9), -EFBIG);
  CHECK_EQ(append(segment, log, 2, 300, 9), -EFBIG);
  CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  log.end = 1500;
  CHECK_EQ(std::filesystem::file_size(path + ".log"), 1500u);
  verify(segment, log);
  CHECK_EQ(append(segment, log, 2, 300, 9), 0);
  verify(segment, log);
  std::uint64_t durable = 0;
  CHECK_EQ(segment.flush(durable), 0);
  CHECK_EQ(durable, 1800u);
}

// Room on the disk for a whole segment from its first byte on, beyond the end of the file: given back by the seal, and by a seal after a reopening.
void reserved(const TempFolder& folder) {
  constexpr std::uint64_t kReserve = 4 << 20;
  const std::string path = folder.file("reserved");
  const auto figures = [&] {
    struct stat status;
    CHECK_EQ(stat((path + ".log").c_str(), &status), 0);
    return std::pair(static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_blocks) * 512);
  };
  const int probe = ::open(folder.file("probe").c_str(), O_RDWR | O_CREAT, 0644);
  const bool supported = reserve_file(probe, kReserve) == 0;
  ::close(probe);
  for (const bool reopened : {false, true}) {
    std::filesystem::remove(path + ".log");
    std::filesystem::remove(path + ".index");
    std::filesystem::remove(path + ".timeindex");
    SegmentOptions with = options(path);
    with.reserve_bytes = kReserve;
    auto segment = std::make_unique<Segment>(with);
    std::uint64_t size;
    CHECK_EQ(segment->prepare(size), 0);
    CHECK_EQ(figures().second, 0u);
    Log log;
    CHECK_EQ(append(*segment, log, 1, 300, 1), 0);
    CHECK_EQ(figures().first, 300u);
    if (supported) CHECK(figures().second >= kReserve);
    if (reopened) segment = std::make_unique<Segment>(options(path, 300));
    CHECK_EQ(append(*segment, log, 1, 300, 2), 0);
    CHECK_EQ(segment->seal(-1, -1), 0);
    CHECK_EQ(figures().first, 600u);
    CHECK(figures().second < kReserve / 2);
    verify(*segment, log);
  }
}

}  // namespace

int main() {
  const TempFolder folder;
  refusals(folder);
  stamped(folder);
  failed_write(folder);
  reserved(folder);
}
