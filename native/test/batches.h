// Record batches and folders for the storage tests. The records are noise: nothing native looks at them.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "../record_batch.h"
#include "check.h"

struct BatchShape {
  std::int64_t base_offset = 0;
  std::int32_t records = 1;
  std::size_t bytes = 200;
  std::int64_t max_timestamp = 1000;
  std::int64_t producer_id = -1;
};

inline std::vector<std::uint8_t> make_batch(const BatchShape& shape) {
  std::vector<std::uint8_t> batch(shape.bytes);
  for (std::size_t i = sluice::kBatchHeaderBytes; i < batch.size(); i++) batch[i] = static_cast<std::uint8_t>(i * 31 + static_cast<std::size_t>(shape.base_offset));
  sluice::store_be64(batch.data(), static_cast<std::uint64_t>(shape.base_offset));
  sluice::store_be32(batch.data() + 8, static_cast<std::uint32_t>(shape.bytes - sluice::kBatchLengthOverhead));
  batch[16] = 2;
  sluice::store_be32(batch.data() + 23, static_cast<std::uint32_t>(shape.records - 1));
  sluice::store_be64(batch.data() + 35, static_cast<std::uint64_t>(shape.max_timestamp));
  sluice::store_be64(batch.data() + 43, static_cast<std::uint64_t>(shape.producer_id));
  sluice::store_be32(batch.data() + 57, static_cast<std::uint32_t>(shape.records));
  sluice::restamp_crc(batch.data(), batch.size());
  return batch;
}

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-native-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};
