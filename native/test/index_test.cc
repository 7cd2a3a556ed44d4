#include "../index.h"

#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>

#include "batches.h"

using namespace sluice;

namespace {

void add(Index& index, std::int64_t key, std::int32_t value) {
  const IndexEntry entry{key, value};
  CHECK_EQ(index.write(&entry, 1), 0);
  index.publish(&entry, 1);
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void formats(const TempFolder& folder) {
  Index offsets(IndexKind::Offset, 1 << 20);
  CHECK_EQ(offsets.open(folder.file("a.index"), false), -ENOENT);
  CHECK_EQ(offsets.open(folder.file("a.index"), true), 0);
  add(offsets, 0x01020304, 0x05060708);
  CHECK_EQ(content(folder.file("a.index")), std::string("\1\2\3\4\5\6\7\10", 8));
  Index times(IndexKind::Time, 1 << 20);
  CHECK_EQ(times.open(folder.file("a.timeindex"), true), 0);
  add(times, 0x0102030405060708, 9);
  CHECK_EQ(content(folder.file("a.timeindex")), std::string("\1\2\3\4\5\6\7\10\0\0\0\11", 12));
}

// Every key and every gap between keys, over several blocks; the same after loading, and after cuts.
void search(const TempFolder& folder, IndexKind kind, const std::string& name, std::int64_t count) {
  const std::string path = folder.file(name);
  const auto verify = [&](const Index& index, std::int64_t entries) {
    CHECK_EQ(index.entries(), static_cast<std::size_t>(entries));
    CHECK(index.sound());
    IndexEntry found;
    CHECK_EQ(index.find_key(9, Wait::Yes, found), 0);
    for (std::int64_t i = 0; i < entries; i++) {
      for (const std::int64_t key : {i * 10 + 10, i * 10 + 19}) {
        CHECK_EQ(index.find_key(key, Wait::Yes, found), 1);
        CHECK_EQ(found.value, i * 7 + 1);
        // Read, and then from what was kept of it.
        for (int time = 0; time < 2; time++) {
          IndexGap gap;
          CHECK_EQ(index.find_gap(key, Wait::Yes, gap), 1);
          CHECK_EQ(gap.before.value, i * 7 + 1);
          CHECK_EQ(gap.behind.key, i + 1 < entries ? i * 10 + 20 : -1);
        }
      }
      std::size_t position;
      CHECK_EQ(index.find_value(i * 7 + 3, position, found), 1);
      CHECK_EQ(position, static_cast<std::size_t>(i + 1));
    }
  };
  Index index(kind, 1 << 20, kind == IndexKind::Offset ? std::make_shared<IndexBlocks>(8) : nullptr);
  CHECK_EQ(index.open(path, true), 0);
  for (std::int64_t i = 0; i < count; i++) add(index, i * 10 + 10, static_cast<std::int32_t>(i * 7 + 1));
  verify(index, count);
  Index loaded(kind, 1 << 20);
  CHECK_EQ(loaded.open(path, false), 0);
  verify(loaded, count);
  for (const std::int64_t kept : {count, count - 1, count / 2, std::int64_t{1}, std::int64_t{0}}) {
    CHECK_EQ(index.cut(static_cast<std::size_t>(kept)), 0);
    verify(index, kept);
    add(index, kept * 10 + 10, static_cast<std::int32_t>(kept * 7 + 1));
    verify(index, kept + 1);
    CHECK_EQ(std::filesystem::file_size(path), static_cast<std::uintmax_t>(kept + 1) * (kind == IndexKind::Offset ? 8 : 12));
  }
  CHECK_EQ(index.sync(), 0);
}

void unsound(const TempFolder& folder) {
  const std::string path = folder.file("bad.index");
  const auto with = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    Index index(IndexKind::Offset, 1 << 20);
    CHECK_EQ(index.open(path, false), 0);
    return std::pair(index.sound(), index.entries());
  };
  const std::string one("\0\0\0\5\0\0\0\100", 8);
  const std::string two("\0\0\0\7\0\0\0\101", 8);
  CHECK(with("") == std::pair(true, std::size_t{0}));
  CHECK(with(one + two) == std::pair(true, std::size_t{2}));
  CHECK(with(one + one) == std::pair(false, std::size_t{1}));
  CHECK(with(two + one) == std::pair(false, std::size_t{1}));
  CHECK(with(one + "abc") == std::pair(false, std::size_t{1}));
  CHECK(with(one + std::string(4096, '\0')) == std::pair(false, std::size_t{1}));  // preallocated, never trimmed
  CHECK(with(std::string(8, '\xff')) == std::pair(false, std::size_t{0}));
  CHECK(with(std::string(8, '\0')) == std::pair(false, std::size_t{1}));  // its size reached the disk, its bytes did not
}

void unpublished(const TempFolder& folder) {
  const std::string path = folder.file("unpublished.index");
  Index index(IndexKind::Offset, 1 << 20);
  CHECK_EQ(index.open(path, true), 0);
  CHECK_EQ(index.trim(), 0);
  add(index, 5, 100);
  const IndexEntry lost{9, 200};
  CHECK_EQ(index.write(&lost, 1), 0);
  CHECK_EQ(std::filesystem::file_size(path), std::uintmax_t{16});
  CHECK_EQ(index.trim(), 0);
  CHECK_EQ(std::filesystem::file_size(path), std::uintmax_t{8});
  add(index, 7, 150);
  CHECK_EQ(index.entries(), 2u);
  CHECK_EQ(std::filesystem::file_size(path), std::uintmax_t{16});
}

void capacity(const TempFolder& folder) {
  Index index(IndexKind::Time, 30);
  CHECK_EQ(index.open(folder.file("small.timeindex"), true), 0);
  CHECK_EQ(index.room(), 2u);
  add(index, 1, 1);
  add(index, 2, 2);
  CHECK_EQ(index.room(), 0u);
}

// Look-ups beside a writer that appends and cuts: any answer is a whole entry that was published.
void races(const TempFolder& folder) {
  Index index(IndexKind::Offset, 1 << 20, std::make_shared<IndexBlocks>(16));
  CHECK_EQ(index.open(folder.file("race.index"), true), 0);
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      for (std::int64_t key = 0; key < 3000; key += 37) {
        IndexEntry found;
        if (index.find_key(key, Wait::Yes, found) == 1) CHECK(found.key <= key && found.value == found.key * 2 + 1);
        IndexGap gap;
        if (index.find_gap(key, Wait::Yes, gap) == 1) CHECK(gap.before.key <= key && gap.before.value == gap.before.key * 2 + 1);
      }
    }
  });
  for (int round = 0; round < 5; round++) {
    for (std::int64_t key = static_cast<std::int64_t>(index.entries()); key < 3000; key++) add(index, key, static_cast<std::int32_t>(key * 2 + 1));
    CHECK_EQ(index.cut(static_cast<std::size_t>(round) * 300), 0);
  }
  stop = true;
  reader.join();
}

// Somebody else's file behind a link is never written to: before the first change a copy takes the link's place.
void linked(const TempFolder& folder) {
  const std::string theirs = folder.file("theirs.index");
  Index writer(IndexKind::Offset, 1 << 20);
  CHECK_EQ(writer.open(theirs, true), 0);
  for (std::int64_t key = 1; key <= 20000; key++) add(writer, key, static_cast<std::int32_t>(key * 3));
  const std::string before = content(theirs);
  for (const std::size_t kept : {std::size_t{20000}, std::size_t{9000}, std::size_t{0}}) {
    const std::string link = folder.file("link.index");
    std::filesystem::remove(link);
    std::filesystem::create_symlink(theirs, link);
    Index index(IndexKind::Offset, 1 << 20);
    CHECK_EQ(index.open(link, true, true), 0);
    CHECK_EQ(index.entries(), 20000u);
    CHECK(std::filesystem::is_symlink(link));
    CHECK_EQ(index.cut(kept), 0);
    CHECK_EQ(index.entries(), kept);
    add(index, 50000, 100000);
    CHECK(!std::filesystem::is_symlink(link));
    CHECK_EQ(content(link).substr(0, kept * 8), before.substr(0, kept * 8));
    CHECK_EQ(content(link).size(), (kept + 1) * 8);
    IndexEntry found;
    CHECK_EQ(index.find_key(4711, Wait::Yes, found), kept > 4711 ? 1 : 0);
    if (kept > 4711) CHECK_EQ(found.value, 4711 * 3);
    CHECK_EQ(index.find_key(50000, Wait::Yes, found), 1);
    CHECK_EQ(found.value, 100000);
    CHECK_EQ(index.sync(), 0);
    CHECK_EQ(content(theirs), before);
  }
}

}  // namespace

int main() {
  const TempFolder folder;
  formats(folder);
  search(folder, IndexKind::Offset, "s.index", 1500);
  search(folder, IndexKind::Time, "s.timeindex", 1100);
  unsound(folder);
  unpublished(folder);
  capacity(folder);
  races(folder);
  linked(folder);
}
