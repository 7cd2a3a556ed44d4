// Segments whose files are closed and opened again beside all that uses them; and the survey of folders.
#include "../open_files.h"

#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "../file_io.h"
#include "../folder_survey.h"
#include "../segment.h"
#include "batches.h"

using namespace sluice;

namespace {

constexpr std::size_t kSegments = 12;
constexpr std::int64_t kBatches = 150;
constexpr std::size_t kBytes = 300;
constexpr int kTurns = 10'000;

// Segments stand on the heap: ThreadSanitizer takes a mutex for that of another test which had its place on the stack.

std::size_t open_files() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::read_symlink(entry.path(), error);
    if (!error && target.string().find("sluice-native-") != std::string::npos) count++;
  }
  return count;
}

int append(Segment& segment, std::int64_t offset) {
  const std::vector<std::uint8_t> batch = make_batch({.base_offset = offset, .bytes = kBytes, .max_timestamp = offset});
  const AppendPart part{batch.data(), batch.size()};
  std::uint64_t end;
  return segment.append(&part, 1, end);
}

// Writers, readers and senders of all segments at once, with files for three of them.
void beside_all_use(const TempFolder& folder) {
  const auto bound = std::make_shared<OpenFiles>(3);
  std::vector<std::shared_ptr<Segment>> segments;
  for (std::size_t i = 0; i < kSegments; i++) {
    SegmentOptions options{.path = folder.file("s" + std::to_string(i)), .index_bytes = 1 << 16, .index_interval_bytes = 500};
    options.open_files = bound;
    segments.push_back(std::make_shared<Segment>(std::move(options)));
  }
  std::atomic<bool> done{false};
  std::vector<std::atomic<std::int64_t>> written(kSegments);
  std::vector<std::thread> threads;
  for (const bool even : {true, false}) {
    threads.emplace_back([&, even] {
      for (std::int64_t offset = 0; offset < kBatches; offset++) {
        for (std::size_t i = even ? 0 : 1; i < kSegments; i += 2) {
          CHECK_EQ(append(*segments[i], offset), 0);
          written[i] = offset + 1;
        }
      }
    });
  }
  std::thread reader([&] {
    for (std::size_t turn = 0; !done; turn++) {
      const std::size_t i = turn * 5 % kSegments;
      const std::int64_t end = written[i];
      if (end == 0) continue;
      BatchPlace place;
      const std::int64_t offset = static_cast<std::int64_t>(turn) % end;
      const int now = segments[i]->locate(offset, Wait::No, place);
      CHECK(now == 0 || now == -EAGAIN);
      CHECK_EQ(segments[i]->locate(offset, Wait::Yes, place), 0);
      CHECK_EQ(place.position, static_cast<std::uint64_t>(offset) * kBytes);
      const std::optional<FileRegion> region = segments[i]->region(place.position, kBytes);
      CHECK(region.has_value());
      std::uint8_t header[kBatchHeaderBytes];
      CHECK_EQ(read_at(region->file->fd(), header, sizeof header, region->position, Wait::Yes), static_cast<std::int64_t>(sizeof header));
      CHECK_EQ(BatchHeader(header).base_offset(), offset);
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  reader.join();
  for (const auto& segment : segments) {
    BatchPlace place;
    CHECK_EQ(segment->locate(kBatches - 1, Wait::Yes, place), 0);
    CHECK_EQ(place.position, static_cast<std::uint64_t>(kBatches - 1) * kBytes);
    std::uint64_t durable;
    CHECK_EQ(segment->flush(durable), 0);
    CHECK_EQ(durable, static_cast<std::uint64_t>(kBatches) * kBytes);
    CHECK_EQ(segment->check_indexes(), 0);
  }
  // What was dirty stayed open; the next opening finds that it no longer is.
  SegmentOptions options{.path = folder.file("one more")};
  options.open_files = bound;
  const auto one_more = std::make_shared<Segment>(std::move(options));
  CHECK_EQ(append(*one_more, 0), 0);
  CHECK(open_files() <= 3 * 4);
}

// At the very moment at which one thread closes the files another opens them again: those are not the ones to be closed.
void opened_while_closed(const TempFolder& folder) {
  const auto segment = std::make_shared<Segment>(SegmentOptions{.path = folder.file("busy"), .index_interval_bytes = 500});
  for (std::int64_t offset = 0; offset < kBatches; offset++) CHECK_EQ(append(*segment, offset), 0);
  segment->make_closable();
  std::atomic<bool> done{false};
  std::thread closer([&] {
    while (!done) segment->try_close();
  });
  const auto look = [&] {
    BatchPlace place;
    for (int turn = 0; turn < kTurns; turn++) CHECK_EQ(segment->locate(turn % (kBatches / 2), Wait::Yes, place), 0);
  };
  const auto send = [&] {
    std::uint8_t header[kBatchHeaderBytes];
    for (int turn = 0; turn < kTurns; turn++) {
      const std::optional<FileRegion> region = segment->region(0, kBytes);
      CHECK(region.has_value());
      CHECK_EQ(read_at(region->file->fd(), header, sizeof header, 0, Wait::Yes), static_cast<std::int64_t>(sizeof header));
    }
  };
  std::thread looker(look);
  send();
  looker.join();
  done = true;
  closer.join();
}

void pinned_by_a_region(const TempFolder& folder) {
  const auto segment_owner = std::make_unique<Segment>(SegmentOptions{.path = folder.file("pinned"), .index_interval_bytes = 500});
  Segment& segment = *segment_owner;
  CHECK_EQ(append(segment, 0), 0);
  CHECK(!segment.try_close());  // not flushed
  segment.make_closable();
  {
    const std::optional<FileRegion> region = segment.region(0, kBytes);
    CHECK(region.has_value());
    CHECK(!segment.try_close());
  }
  CHECK(segment.try_close());
  CHECK_EQ(open_files(), 0u);
  CHECK_EQ(segment.figures().size, kBytes);
  CHECK_EQ(append(segment, 1), 0);
  segment.make_closable();
  CHECK_EQ(segment.truncate(kBytes), 0);
  CHECK(!segment.try_close());  // the cut is not flushed: a disk that fails under it could tell nobody
  CHECK_EQ(segment.seal(-1, -1), 0);
  segment.make_closable();
  CHECK(segment.try_close());
  CHECK(append(segment, 1) == -EPERM);  // still sealed
  CHECK(segment.region(0, kBytes).has_value());
}

// A closed segment whose name somebody else's file has got is gone; one that was told to keep its files open is read under whatever name.
void other_names(const TempFolder& folder) {
  const std::string path = folder.file("named");
  const auto gone_owner = std::make_unique<Segment>(SegmentOptions{.path = path, .index_interval_bytes = 500});
  Segment& gone = *gone_owner;
  CHECK_EQ(append(gone, 0), 0);
  gone.make_closable();
  CHECK(gone.try_close());
  std::filesystem::rename(path + ".log", path + ".log.deleted");
  BatchPlace place;
  CHECK_EQ(gone.locate(0, Wait::Yes, place), -ENOENT);
  CHECK(!gone.region(0, kBytes).has_value());
  const auto next_owner = std::make_unique<Segment>(SegmentOptions{.path = path, .index_interval_bytes = 500});
  Segment& next = *next_owner;
  CHECK_EQ(append(next, 7), 0);
  CHECK_EQ(gone.locate(0, Wait::Yes, place), -ENOENT);
  CHECK_EQ(append(gone, 1), -ENOENT);
  next.make_closable();
  CHECK_EQ(next.keep_open(), 0);
  CHECK(!next.try_close());
  std::filesystem::rename(path + ".log", path + ".log.swapped");
  CHECK_EQ(next.locate(7, Wait::Yes, place), 0);
  CHECK(next.region(0, kBytes).has_value());
}

// What recovery is told of: batches of producers, the first of each leader epoch, the newest and the last.
void news(const TempFolder& folder) {
  const auto segment_owner = std::make_unique<Segment>(SegmentOptions{.path = folder.file("news"), .index_interval_bytes = 500});
  Segment& segment = *segment_owner;
  for (std::int64_t offset = 0; offset < 40; offset++) {
    const bool producer = offset == 21;
    const std::int64_t timestamp = offset == 33 ? 1000 : offset;
    std::vector<std::uint8_t> batch = make_batch({.base_offset = offset,
                                                  .bytes = kBytes,
                                                  .max_timestamp = timestamp,
                                                  .producer_id = producer ? 5 : -1});
    store_be32(batch.data() + 12, offset < 10 ? 3 : 4);  // the leader epoch, which no CRC covers
    const AppendPart part{batch.data(), batch.size()};
    std::uint64_t end;
    CHECK_EQ(segment.append(&part, 1, end), 0);
  }
  const ScanResult scan = segment.scan({.position = 0, .max_bytes = 1 << 20, .max_rows = 1000, .verify_crc = true, .only_news = true});
  CHECK_EQ(scan.status, 0);
  std::vector<std::int64_t> offsets;
  for (std::size_t at = 0; at < scan.rows.size(); at += kScanRowBytes) offsets.push_back(BatchHeader(scan.rows.data() + at + 8).base_offset());
  CHECK(offsets == (std::vector<std::int64_t>{0, 10, 21, 33, 39}));
}

template <typename Number>
Number take(const std::vector<std::uint8_t>& bytes, std::size_t& at) {
  Number number;
  CHECK(at + sizeof number <= bytes.size());
  std::memcpy(&number, bytes.data() + at, sizeof number);
  at += sizeof number;
  return number;
}

std::string take_bytes(const std::vector<std::uint8_t>& bytes, std::size_t& at) {
  const auto length = take<std::int32_t>(bytes, at);
  CHECK(length >= 0);
  const std::string text(reinterpret_cast<const char*>(bytes.data()) + at, static_cast<std::size_t>(length));
  at += static_cast<std::size_t>(length);
  return text;
}

void survey(const TempFolder& folder) {
  const std::string name = "t-0";
  std::filesystem::create_directory(folder.file(name));
  const std::string base = folder.file(name + "/00000000000000000000");
  {
    const auto segment_owner = std::make_unique<Segment>(SegmentOptions{.path = base, .index_interval_bytes = 500});
    Segment& segment = *segment_owner;
    for (std::int64_t offset = 0; offset < 50; offset++) CHECK_EQ(append(segment, offset), 0);
  }
  std::ofstream(folder.file(name + "/text")) << "hello";
  std::ofstream(base + ".snapshot") << "old";
  std::ofstream(folder.file(name + "/00000000000000000050.snapshot")) << "new";
  const SurveyRequest request{std::filesystem::path(folder.file("")).parent_path().string(), {name, "missing"}, {"text", "none"}};
  const auto look = [&](double tail) {
    const std::vector<std::uint8_t> found = survey_folders(request);
    std::size_t at = 0;
    CHECK_EQ(take<std::int32_t>(found, at), 0);
    CHECK_EQ(take<double>(found, at), tail);
    CHECK_EQ(take<double>(found, at), 0.0);
    const auto files = take<std::int32_t>(found, at);
    CHECK_EQ(files, 6);
    for (int i = 0; i < files; i++) {
      const std::string file = take_bytes(found, at);
      const auto size = take<double>(found, at);
      CHECK_EQ(size, file.ends_with(".log") ? static_cast<double>(std::filesystem::file_size(base + ".log")) : -1.0);
    }
    CHECK_EQ(take_bytes(found, at), "hello");
    CHECK_EQ(take<std::int32_t>(found, at), -1);
    CHECK_EQ(take_bytes(found, at), "new");
    CHECK_EQ(take<std::int32_t>(found, at), -ENOENT);
    CHECK_EQ(at, found.size());
  };
  look(50);
  std::filesystem::resize_file(base + ".index", std::filesystem::file_size(base + ".index") + 80);  // zeros, as a killed broker leaves them
  look(50);
  std::ofstream(base + ".log", std::ios::app) << "torn";
  look(-1);
}

void small_files(const TempFolder& folder) {
  std::vector<std::uint8_t> files;
  const auto put = [&](std::int32_t replaces, const std::string& path, const std::string& contents) {
    const auto number = [&](std::int32_t n) { files.insert(files.end(), reinterpret_cast<const std::uint8_t*>(&n), reinterpret_cast<const std::uint8_t*>(&n) + 4); };
    number(replaces);
    number(static_cast<std::int32_t>(path.size()));
    files.insert(files.end(), path.begin(), path.end());
    number(static_cast<std::int32_t>(contents.size()));
    files.insert(files.end(), contents.begin(), contents.end());
  };
  put(1, folder.file("one"), "1");
  put(0, folder.file("no folder/two"), "2");
  put(0, folder.file("three"), "");
  CHECK_EQ(write_files(files.data(), files.size(), true), -ENOENT);
  CHECK(std::filesystem::file_size(folder.file("one")) == 1);
  CHECK(std::filesystem::exists(folder.file("three")));
  for (std::size_t length = 1; length < 20; length++) CHECK_EQ(write_files(files.data(), length, false), -EINVAL);
  // In two steps, with a flush of all between them.
  files.clear();
  put(0, folder.file("one.tmp"), "new");
  put(2, folder.file("one"), "");
  CHECK_EQ(write_files(files.data(), files.size(), false), 0);
  CHECK(std::filesystem::file_size(folder.file("one")) == 3);
  files.clear();
  put(2, folder.file("one"), "");
  CHECK_EQ(write_files(files.data(), files.size(), false), -ENOENT);
}

}  // namespace

int main() {
  const TempFolder folder;
  pinned_by_a_region(folder);
  other_names(folder);
  opened_while_closed(folder);
  beside_all_use(folder);
  news(folder);
  survey(folder);
  small_files(folder);
  return 0;
}
