// A segment file of batches of one size and one number of records each, so that an offset is a position by division.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "file_descriptor.h"

namespace load {

class UniformSegment {
 public:
  // Throws Failure when the file cannot be read or is not uniform.
  explicit UniformSegment(const std::string& path);

  int file() const { return file_.get(); }
  std::int64_t first_offset() const { return first_offset_; }
  std::int64_t end_offset() const { return end_offset_; }
  std::int64_t position(std::int64_t offset) const {
    return std::clamp<std::int64_t>((offset - first_offset_) / batch_records_ * batch_bytes_, 0, bytes_);
  }
  // As a broker answers: at least a whole batch, and the last one may be cut.
  std::int64_t length(std::int64_t position, std::int64_t most) const { return std::min(bytes_ - position, std::max(most, batch_bytes_)); }

 private:
  FileDescriptor file_;
  std::int64_t bytes_ = 0;
  std::int64_t batch_bytes_ = 0;
  std::int64_t batch_records_ = 0;
  std::int64_t first_offset_ = 0;
  std::int64_t end_offset_ = 0;
};

}  // namespace load
