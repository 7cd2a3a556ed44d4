#include "../segment.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "batches.h"

using namespace sluice;

namespace {

using Bytes = std::vector<std::uint8_t>;

SegmentOptions options(const std::string& path, std::int64_t size = -1, std::int64_t base = 100) {
  return {.path = path, .base_offset = base, .size = size, .index_bytes = 1 << 20, .index_interval_bytes = 500};
}

struct Log {
  std::vector<BatchShape> batches;
  std::uint64_t end = 0;
  std::int64_t next = 100;
};

int append(Segment& segment, Log& log, std::int32_t records, std::size_t bytes, std::int64_t timestamp) {
  const BatchShape shape{.base_offset = log.next, .records = records, .bytes = bytes, .max_timestamp = timestamp};
  const Bytes batch = make_batch(shape);
  const AppendPart part{batch.data(), batch.size()};
  const int status = segment.append(&part, 1, log.end);
  if (status == 0) {
    log.batches.push_back(shape);
    log.next += records;
  }
  return status;
}

// Every answer against the list of batches.
void verify(Segment& segment, const Log& log) {
  std::uint64_t position = 0;
  BatchPlace place;
  for (const BatchShape& batch : log.batches) {
    for (const std::int64_t offset : {batch.base_offset, batch.base_offset + batch.records - 1}) {
      for (const Wait wait : {Wait::Yes, Wait::No}) {
        const int status = segment.locate(offset, wait, place);
        if (wait == Wait::No && status == -EAGAIN) continue;
        CHECK_EQ(status, 0);
        CHECK_EQ(place.position, position);
        CHECK_EQ(place.base_offset, batch.base_offset);
        CHECK_EQ(place.bytes, batch.bytes);
      }
    }
    // The first indexed batch from here on begins here or behind, and is one of the log.
    std::int64_t indexed;
    CHECK_EQ(segment.indexed_offset(position, indexed), 0);
    if (indexed >= 0) {
      CHECK(indexed >= batch.base_offset + batch.records - 1);
      CHECK_EQ(segment.locate(indexed, Wait::Yes, place), 0);
      CHECK(place.position >= position && place.position - position <= 500 + 2 * 800);
    }
    position += batch.bytes;
  }
  std::int64_t behind;
  CHECK_EQ(segment.indexed_offset(position, behind), 0);
  CHECK_EQ(behind, -1);
  CHECK_EQ(segment.locate(log.next, Wait::Yes, place), 0);
  CHECK_EQ(place.position, position);
  CHECK_EQ(place.base_offset, -1);
  CHECK_EQ(place.bytes, 0u);
  for (std::int64_t timestamp = -1; timestamp < 2100; timestamp += 13) {
    std::uint64_t at = 0;
    auto first = log.batches.begin();
    for (; first != log.batches.end() && first->max_timestamp < timestamp; first++) at += first->bytes;
    CHECK_EQ(segment.locate_timestamp(timestamp, place), 0);
    CHECK_EQ(place.position, at);
    CHECK_EQ(place.bytes, first == log.batches.end() ? 0 : first->bytes);
  }
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A log of somebody else, linked: a scan, a cut and a seal leave every byte of it as it is.
void read_only(const TempFolder& folder) {
  const std::string theirs = folder.file("theirs");
  Segment writer(options(theirs));
  Log log;
  for (int i = 0; i < 100; i++) CHECK_EQ(append(writer, log, 2, 300, i), 0);
  CHECK_EQ(writer.seal(-1, -1), 0);
  const auto all = [&] { return content(theirs + ".log") + content(theirs + ".index") + content(theirs + ".timeindex"); };
  const std::string before = all();
  const std::string path = folder.file("linked");
  for (const char* suffix : {".log", ".index", ".timeindex"}) std::filesystem::create_symlink(theirs + suffix, path + suffix);
  SegmentOptions linked = options(path, static_cast<std::int64_t>(log.end));
  linked.read_only = true;
  Segment segment(std::move(linked));
  verify(segment, log);
  const ScanResult scan = segment.scan({.position = 0, .max_bytes = 1 << 20, .max_rows = 1000, .verify_crc = true, .rebuild_indexes = true});
  CHECK_EQ(scan.status, 0);
  verify(segment, log);
  while (log.batches.size() > 50) {
    log.next = log.batches.back().base_offset;
    log.end -= log.batches.back().bytes;
    log.batches.pop_back();
  }
  CHECK_EQ(segment.truncate(log.end), 0);
  verify(segment, log);
  const Log kept = log;
  CHECK_EQ(append(segment, log, 1, 100, 5), -EROFS);
  verify(segment, kept);
  CHECK_EQ(segment.seal(-1, -1), 0);
  std::uint64_t durable;
  CHECK_EQ(segment.flush(durable), 0);
  CHECK_EQ(all(), before);
  CHECK(std::filesystem::is_symlink(path + ".log"));
  std::filesystem::resize_file(theirs + ".log", log.end - 1);
  BatchPlace place;
  for (const Wait wait : {Wait::No, Wait::Yes}) CHECK_EQ(segment.locate(100, wait, place), -ENODATA);
}

// Random appends, cuts and reopenings; after each, answers and index bytes are those of a rebuilt copy.
void model(const TempFolder& folder, unsigned seed) {
  std::mt19937 random(seed);
  const std::string path = folder.file("model-" + std::to_string(seed));
  auto segment = std::make_unique<Segment>(options(path));
  Log log;
  for (int step = 0; step < 60; step++) {
    const unsigned what = random() % 10;
    if (what < 7) {
      for (unsigned n = random() % 20; n > 0; n--) CHECK_EQ(append(*segment, log, 1 + static_cast<int>(random() % 5), 61 + random() % 700, random() % 2000), 0);
    } else if (what < 9 && !log.batches.empty()) {
      const std::size_t kept = random() % (log.batches.size() + 1);
      while (log.batches.size() > kept) {
        log.next = log.batches.back().base_offset;
        log.end -= log.batches.back().bytes;
        log.batches.pop_back();
      }
      CHECK_EQ(segment->truncate(log.end), 0);
    } else {
      segment.reset();
      segment = std::make_unique<Segment>(options(path, static_cast<std::int64_t>(log.end)));
      std::uint64_t size;
      if (step == 0 || !std::filesystem::exists(path + ".log")) std::ofstream(path + ".log");
      CHECK_EQ(segment->prepare(size), 0);
    }
    if (step % 6 == 0) verify(*segment, log);
  }
  verify(*segment, log);
  CHECK_EQ(segment->seal(-1, -1), 0);
  CHECK_EQ(segment->check_indexes(), 0);
  const std::string offsets = content(path + ".index");
  const std::string times = content(path + ".timeindex");
  std::filesystem::remove(path + ".index");
  std::filesystem::remove(path + ".timeindex");
  Segment rebuilt(options(path, static_cast<std::int64_t>(log.end)));
  ScanResult scan;
  for (std::uint64_t position = 0;; position = scan.position) {
    scan = rebuilt.scan({.position = position, .max_bytes = 2000, .max_rows = 3, .verify_crc = true, .rebuild_indexes = true});
    CHECK(scan.status >= 0 && scan.status <= 1);
    if (scan.status == 0) break;
  }
  CHECK_EQ(rebuilt.seal(-1, -1), 0);
  CHECK(content(path + ".index") == offsets);
  CHECK(content(path + ".timeindex") == times);
  verify(rebuilt, log);
}

void scan_faults(const TempFolder& folder) {
  const std::string path = folder.file("faults");
  const auto scan_of = [&](const Bytes& tail) {
    Bytes all = make_batch({.base_offset = 100, .records = 2, .producer_id = 5});
    const Bytes second = make_batch({.base_offset = 102});
    all.insert(all.end(), second.begin(), second.end());
    all.insert(all.end(), tail.begin(), tail.end());
    std::ofstream(path + ".log", std::ios::binary).write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
    Segment segment(options(path, static_cast<std::int64_t>(all.size())));
    const ScanResult result = segment.scan({.position = 0, .max_bytes = 1 << 20, .max_rows = 100, .verify_crc = true, .rebuild_indexes = true});
    CHECK_EQ(result.rows.size(), 2 * kScanRowBytes);
    CHECK_EQ(result.position, 400u);
    CHECK(std::memcmp(result.rows.data() + kScanRowBytes + 8, second.data(), kBatchHeaderBytes) == 0);
    CHECK_EQ(load_be64(result.rows.data() + kScanRowBytes), 200);
    CHECK_EQ(segment.scan({.position = 0, .max_bytes = 400, .max_rows = 9, .only_idempotent = true}).rows.size(), kScanRowBytes);
    CHECK_EQ(segment.truncate(result.position), 0);
    CHECK_EQ(std::filesystem::file_size(path + ".log"), 400u);
    return std::pair(result.status, static_cast<int>(result.fault));
  };
  const Bytes good = make_batch({.base_offset = 103});
  CHECK(scan_of({}) == std::pair(0, 0));
  Bytes bad = good;
  store_be32(bad.data() + 8, 3);
  CHECK(scan_of(bad) == std::pair(2, 1));
  bad = good;
  bad[16] = 0;
  CHECK(scan_of(bad) == std::pair(2, 2));
  bad = good;
  bad.back() ^= 1;
  CHECK(scan_of(bad) == std::pair(2, 3));
  CHECK(scan_of(make_batch({.base_offset = 102})) == std::pair(2, 4));
  CHECK(scan_of(Bytes(good.begin(), good.end() - 1)) == std::pair(2, 5));
  CHECK(scan_of(Bytes(good.begin(), good.begin() + 20)) == std::pair(2, 5));
  bad = good;
  store_be32(bad.data() + 8, INT_MAX);  // a hostile length costs nothing
  CHECK(scan_of(bad) == std::pair(2, 5));
}

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

// A write that fails in the middle leaves nothing: neither visible, nor in the file, nor in the indexes.
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

void moved(const TempFolder& folder) {
  std::filesystem::create_directory(folder.file("before"));
  Segment segment(options(folder.file("before/log")));
  std::uint64_t size;
  CHECK_EQ(segment.prepare(size), 0);
  std::filesystem::rename(folder.file("before"), folder.file("after"));
  segment.moved(folder.file("after/log"));
  Log log;
  CHECK_EQ(append(segment, log, 1, 200, 5), 0);
  CHECK(std::filesystem::exists(folder.file("after/log.index")));
}

// Look-ups beside appends and cuts always give a batch that was there, whole.
void races(const TempFolder& folder) {
  Segment segment(options(folder.file("races")));
  Log log;
  CHECK_EQ(append(segment, log, 1, 300, 1), 0);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (const Wait wait : {Wait::Yes, Wait::No}) {
    readers.emplace_back([&, wait] {
      std::mt19937 random(1);
      while (!stop) {
        BatchPlace place;
        const std::int64_t offset = 100 + static_cast<std::int64_t>(random() % 400);
        const int status = segment.locate(offset, wait, place);
        CHECK(status == 0 || (wait == Wait::No && status == -EAGAIN));
        if (status == 0 && place.bytes > 0) CHECK(place.base_offset == offset && place.bytes >= 300 && place.bytes < 330);
        (void)segment.figures();
        CHECK_EQ(segment.locate_timestamp(static_cast<std::int64_t>(random() % 500), place), 0);
      }
    });
  }
  std::mt19937 random(2);
  for (int round = 0; round < 30; round++) {
    // Every generation has other sizes, so that a position of an older one is no boundary.
    while (log.next < 500) CHECK_EQ(append(segment, log, 1, 300 + static_cast<std::size_t>(round), log.next), 0);
    const std::size_t kept = random() % log.batches.size();
    while (log.batches.size() > kept) {
      log.end -= log.batches.back().bytes;
      log.next--;
      log.batches.pop_back();
    }
    CHECK_EQ(segment.truncate(log.end), 0);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

double nanoseconds_each(int rounds, auto&& work) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; i++) work(i);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / rounds;
}

// Printed, not judged.
void speed(const TempFolder& folder) {
  for (const std::size_t bytes : {std::size_t{1} << 10, std::size_t{64} << 10, std::size_t{1} << 20}) {
    SegmentOptions with = options(folder.file("speed-" + std::to_string(bytes)));
    with.index_interval_bytes = 4096;
    with.index_bytes = 10 << 20;
    Segment segment(with);
    Bytes batch = make_batch({.base_offset = 100, .bytes = bytes});
    const int rounds = static_cast<int>((std::size_t{128} << 20) / bytes);
    std::uint64_t end;
    const double each = nanoseconds_each(rounds, [&](int i) {
      store_be64(batch.data(), static_cast<std::uint64_t>(100 + i));
      const AppendPart part{batch.data(), bytes};
      CHECK_EQ(segment.append(&part, 1, end), 0);
    });
    std::mt19937 random(1);
    BatchPlace place;
    int waits = 0;
    const double anywhere = nanoseconds_each(200000, [&](int) { waits += segment.locate(100 + static_cast<std::int64_t>(random() % static_cast<unsigned>(rounds)), Wait::No, place) < 0; });
    const double tail = nanoseconds_each(200000, [&](int i) { waits += segment.locate(100 + rounds - i % 8, Wait::No, place) < 0; });
    const double scan = nanoseconds_each(1, [&](int) { CHECK_EQ(segment.scan({.position = 0, .max_bytes = 1ull << 40, .max_rows = 1 << 20, .verify_crc = true, .rebuild_indexes = true}).status, 0); });
    std::printf("%zu-byte batches: append %.0f ns, locate anywhere %.0f ns, at the tail %.0f ns (%d would wait), recovery %.2f GB/s\n", bytes, each, anywhere, tail,
                waits, static_cast<double>(end) / scan);
  }
}

}  // namespace

int main(int argc, char**) {
  const TempFolder folder;
  for (unsigned seed = 1; seed <= 8; seed++) model(folder, seed);
  read_only(folder);
  scan_faults(folder);
  refusals(folder);
  stamped(folder);
  failed_write(folder);
  reserved(folder);
  moved(folder);
  races(folder);
  if (argc > 1) speed(folder);
}
