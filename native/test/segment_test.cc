// A segment answers like a list of its batches: after cuts and restarts, read only, damaged, moved, and beside other threads.
#include <atomic>
#include <chrono>
#include <climits>
#include <cstring>
#include <random>
#include <thread>

#include "segment_support.h"

using namespace sluice;

namespace {

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
  log.keep(50);
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
      log.keep(kept);
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
  // What is known of a batch must not outlive it: each has an entry, and look-ups learn from them.
  SegmentOptions with = options(folder.file("races"));
  with.index_interval_bytes = 100;
  Segment segment(with);
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
    log.keep(kept);
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
    with.index_blocks = std::make_shared<IndexBlocks>(4096);
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
  moved(folder);
  races(folder);
  if (argc > 1) speed(folder);
}
