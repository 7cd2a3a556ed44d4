#include "../folder_survey.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "batches.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

struct Found {
  int status = 0;
  double end_offset = 0;
  double first_timestamp = 0;
  std::map<std::string, double> files;
  // Texts, then the snapshot; without a value: their length said why.
  std::vector<std::optional<std::string>> contents;
  std::vector<std::int32_t> lengths;
};

// The answer as JavaScript reads it: nothing may be left, nothing missing.
class Reader {
 public:
  explicit Reader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}
  ~Reader() { CHECK_EQ(at_, bytes_.size()); }

  Found next(std::size_t texts) {
    Found found;
    found.status = number<std::int32_t>();
    if (found.status < 0) return found;
    found.end_offset = number<double>();
    found.first_timestamp = number<double>();
    for (auto left = number<std::int32_t>(); left > 0; left--) {
      const std::string name = text(number<std::int32_t>());
      found.files[name] = number<double>();
    }
    for (std::size_t i = 0; i <= texts; i++) {
      found.lengths.push_back(number<std::int32_t>());
      found.contents.push_back(found.lengths.back() < 0 ? std::nullopt : std::optional(text(found.lengths.back())));
    }
    return found;
  }

 private:
  template <typename Number>
  Number number() {
    Number value;
    CHECK(bytes_.size() - at_ >= sizeof value);
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text(std::int32_t length) {
    CHECK(length >= 0 && bytes_.size() - at_ >= static_cast<std::size_t>(length));
    at_ += static_cast<std::size_t>(length);
    return {reinterpret_cast<const char*>(bytes_.data()) + at_ - length, static_cast<std::size_t>(length)};
  }

  const std::vector<std::uint8_t>& bytes_;
  std::size_t at_ = 0;
};

const std::vector<std::string> kTexts = {"partition.metadata", "leader-epoch-checkpoint"};

Found survey(const TempFolder& dir, const std::string& folder) {
  const auto bytes = survey_folders({dir.file(""), {folder}, kTexts});
  return Reader(bytes).next(kTexts.size());
}

void write(const std::string& path, const std::string& contents) { std::ofstream(path, std::ios::binary) << contents; }

void write_log(const std::string& path, std::int64_t base, int batches) {
  std::ofstream file(path, std::ios::binary);
  for (int i = 0; i < batches; i++) {
    const auto batch = make_batch({.base_offset = base + i * 10, .records = 10, .max_timestamp = 500 + i});
    file.write(reinterpret_cast<const char*>(batch.data()), static_cast<std::streamsize>(batch.size()));
  }
}

void whole_log(const TempFolder& dir) {
  const std::string folder = dir.file("t-0/");
  fs::create_directory(folder);
  write_log(folder + "00000000000000000000.log", 0, 2);
  write_log(folder + "00000000000000000020.log", 20, 3);
  write(folder + "00000000000000000020.txnindex", "1234");
  write(folder + "00000000000000000007.snapshot", "older");
  write(folder + "00000000000000000050.snapshot", "newest");
  write(folder + "partition.metadata", "version: 0\n");
  const Found found = survey(dir, "t-0");
  CHECK_EQ(found.status, 0);
  CHECK_EQ(found.end_offset, 50.0);
  CHECK_EQ(found.first_timestamp, 500.0);
  CHECK_EQ(found.files.size(), 6u);
  CHECK_EQ(found.files.at("00000000000000000020.log"), 600.0);
  CHECK_EQ(found.files.at("00000000000000000020.txnindex"), 4.0);
  CHECK_EQ(found.files.at("partition.metadata"), -1.0);
  CHECK_EQ(*found.contents[0], "version: 0\n");
  CHECK_EQ(found.lengths[1], -1);
  CHECK_EQ(*found.contents[2], "newest");
  // A tail that is torn is for whoever reads more.
  fs::resize_file(folder + "00000000000000000020.log", 599);
  CHECK_EQ(survey(dir, "t-0").end_offset, -1.0);
}

void write_index(const std::string& path, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& entries, std::size_t ragged = 0) {
  std::string bytes;
  for (const auto& [offset, position] : entries) {
    std::uint8_t entry[8];
    store_be32(entry, offset);
    store_be32(entry + 4, position);
    bytes.append(reinterpret_cast<const char*>(entry), sizeof entry);
  }
  write(path, bytes + std::string(ragged, 'x'));
}

// What an orderly start believes of the end: where log and index contradict each other it has to look closer.
void doubtful_tails(const TempFolder& dir) {
  const std::string folder = dir.file("tail-0/");
  fs::create_directory(folder);
  const std::string log = folder + "00000000000000000000.log";
  const std::string index = folder + "00000000000000000000.index";
  const auto end = [&] { return survey(dir, "tail-0").end_offset; };
  write_log(log, 0, 3);
  for (const auto& [offset, position, expected] : std::vector<std::tuple<std::uint32_t, std::uint32_t, double>>{
           {19, 200, 30}, {18, 200, -1}, {19, 201, -1}, {39, 600, 30}, {0, 0, 30}}) {
    write_index(index, {{offset, position}});
    CHECK_EQ(end(), expected);
  }
  // So large that it is not walked from its start.
  write_log(log, 0, 400);
  for (const auto& [batch, ragged, expected] : std::vector<std::tuple<std::uint32_t, std::size_t, double>>{
           {300, 0, 4000}, {300, 4, -1}, {20, 0, -1}}) {
    write_index(index, {{batch * 10 + 9, batch * 200}}, ragged);
    CHECK_EQ(end(), expected);
  }
  fs::remove(index);
  CHECK_EQ(end(), -1.0);
  // Offsets that do not rise.
  write_log(log, 0, 3);
  write_log(folder + "more", 10, 1);
  std::ofstream(log, std::ios::binary | std::ios::app) << std::ifstream(folder + "more", std::ios::binary).rdbuf();
  CHECK_EQ(end(), -1.0);
}

void odd_names(const TempFolder& dir) {
  const std::string folder = dir.file("odd-0/");
  fs::create_directory(folder);
  const std::vector<std::string> names = {"...", " ", "a\nb", "\xff\xfe", "-", std::string(255, 'x'), "0.log", "000000000000000000000.log",
                                          "0000000000000000000x.log", "00000000000000000000.log.deleted", "99999999999999999999.log"};
  for (const std::string& name : names) write(folder + name, "x");
  fs::create_directory(folder + "00000000000000000009.log");
  fs::create_directory(folder + "00000000000000000009.snapshot");
  fs::create_directory(folder + "partition.metadata");
  fs::create_symlink("nowhere", folder + "00000000000000000008.log");
  fs::create_symlink("00000000000000000007.log", folder + "00000000000000000007.log");
  fs::create_symlink("-", folder + "00000000000000000006.log");
  write(folder + "leader-epoch-checkpoint", std::string(64 * 1024 + 1, 'e'));
  const Found found = survey(dir, "odd-0");
  CHECK_EQ(found.status, 0);
  for (const std::string& name : names) CHECK(found.files.contains(name));
  CHECK_EQ(found.files.size(), names.size() + 7);
  CHECK_EQ(found.files.at("00000000000000000009.log"), -2.0);
  CHECK_EQ(found.files.at("00000000000000000008.log"), -2.0);
  CHECK_EQ(found.files.at("00000000000000000007.log"), -2.0);
  CHECK_EQ(found.files.at("00000000000000000006.log"), 1.0);
  CHECK_EQ(found.files.at("99999999999999999999.log"), 1.0);
  CHECK_EQ(found.files.at("000000000000000000000.log"), -1.0);
  CHECK_EQ(found.end_offset, -1.0);
  CHECK(std::isnan(found.first_timestamp));
  // A folder, what is too long, and no snapshot that is a file.
  CHECK_EQ(found.lengths[0], -2);
  CHECK_EQ(found.lengths[1], -2);
  CHECK_EQ(found.lengths[2], -1);
}

// A folder of somebody who has put there what opening would wait for: nobody writes to these.
void fifos(const TempFolder& dir) {
  const std::string folder = dir.file("fifos-0/");
  fs::create_directory(folder);
  write_log(folder + "00000000000000000020.log", 20, 3);
  for (const char* name : {"00000000000000000020.index", "partition.metadata", "leader-epoch-checkpoint", "00000000000000000007.snapshot"})
    CHECK_EQ(::mkfifo((folder + name).c_str(), 0644), 0);
  const Found found = survey(dir, "fifos-0");
  CHECK_EQ(found.status, 0);
  CHECK_EQ(found.files.at("00000000000000000020.index"), -2.0);
  CHECK_EQ(found.end_offset, 50.0);
  CHECK_EQ(found.lengths[0], -2);
  CHECK_EQ(found.lengths[1], -2);
  CHECK_EQ(found.lengths[2], -1);
}

void many(const TempFolder& dir) {
  const std::string folder = dir.file("many-0/");
  fs::create_directory(folder);
  for (int i = 0; i < 20'000; i++) ::close(::open((folder + "file-" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0644));
  // Contents of many folders: beyond the bound they are left out, and nothing is lost of the rest.
  write(folder + "00000000000000000001.snapshot", std::string(1 << 20, 's'));
  CHECK_EQ(survey(dir, "many-0").files.size(), 20'001u);
  const auto bytes = survey_folders({dir.file(""), std::vector<std::string>(20, "many-0"), kTexts});
  Reader reader(bytes);
  int read = 0;
  for (int i = 0; i < 20; i++) {
    const Found found = reader.next(kTexts.size());
    CHECK_EQ(found.files.size(), 20'001u);
    if (found.contents[2].has_value()) read++;
    else CHECK_EQ(found.lengths[2], -2);
  }
  CHECK(read > 0 && read < 20);
}

void unusable(const TempFolder& dir) {
  write(dir.file("file-0"), "");
  fs::create_directory(dir.file("empty-0"));
  const auto bytes = survey_folders({dir.file(""), {"none-0", "file-0", "empty-0", "", std::string(300, 'x')}, {}});
  Reader reader(bytes);
  CHECK_EQ(reader.next(0).status, -ENOENT);
  CHECK_EQ(reader.next(0).status, -ENOTDIR);
  const Found empty = reader.next(0);
  CHECK_EQ(empty.status, 0);
  CHECK_EQ(empty.files.size(), 0u);
  CHECK_EQ(reader.next(0).status, -ENOENT);
  CHECK_EQ(reader.next(0).status, -ENAMETOOLONG);
  CHECK(survey_folders({dir.file(""), {}, kTexts}).empty());
  const auto gone = survey_folders({dir.file("nowhere"), {"a-0", "b-0"}, kTexts});
  Reader both(gone);
  CHECK_EQ(both.next(2).status, -ENOENT);
  CHECK_EQ(both.next(2).status, -ENOENT);
  if (::geteuid() == 0) return;
  fs::permissions(dir.file("empty-0"), fs::perms::none);
  CHECK_EQ(survey(dir, "empty-0").status, -EACCES);
  fs::permissions(dir.file("empty-0"), fs::perms::owner_all);
}

// Files that come and go meanwhile, and the folder with them: an answer that can be read, whatever it says.
void vanishing(const TempFolder& dir) {
  std::atomic<bool> done{false};
  std::thread other([&] {
    for (int round = 0; round < 200; round++) {
      const std::string folder = dir.file("gone-0/");
      fs::create_directory(folder);
      for (int i = 0; i < 20; i++) write_log(folder + "0000000000000000000" + std::to_string(i % 10) + ".log", i % 10, 1 + i % 3);
      write(folder + "partition.metadata", "version: 0\n");
      fs::remove_all(folder);
    }
    done = true;
  });
  while (!done) {
    const Found found = survey(dir, "gone-0");
    CHECK(found.status == 0 || found.status == -ENOENT);
  }
  other.join();
}

}  // namespace

int main() {
  const TempFolder dir;
  whole_log(dir);
  doubtful_tails(dir);
  odd_names(dir);
  fifos(dir);
  many(dir);
  unusable(dir);
  vanishing(dir);
}
