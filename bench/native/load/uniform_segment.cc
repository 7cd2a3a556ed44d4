#include "uniform_segment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "batch.h"
#include "failure.h"
#include "wire.h"

namespace load {
namespace {

using Header = std::array<std::uint8_t, kBatchHeaderBytes>;

bool read_header(int file, std::int64_t position, Header& into) {
  return pread(file, into.data(), into.size(), position) == static_cast<ssize_t>(into.size());
}

std::int64_t base_offset(const Header& header) { return static_cast<std::int64_t>(load_be<std::uint64_t>(header.data())); }

}  // namespace

UniformSegment::UniformSegment(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_.get() < 0) fail_errno(path);
  struct stat status;
  if (fstat(file_.get(), &status) < 0) fail_errno(path);
  Header header;
  if (!read_header(file_.get(), 0, header)) fail(path + " holds no record batch");
  first_offset_ = base_offset(header);
  batch_bytes_ = 12 + std::int64_t{load_be<std::uint32_t>(header.data() + 8)};
  batch_records_ = load_be<std::uint32_t>(header.data() + 57);
  if (batch_bytes_ < static_cast<std::int64_t>(kBatchHeaderBytes) || batch_records_ == 0 || header[16] != 2 || batch_bytes_ > status.st_size) {
    fail(path + " holds no record batch");
  }
  const std::int64_t batches = status.st_size / batch_bytes_;
  bytes_ = batches * batch_bytes_;
  end_offset_ = first_offset_ + batches * batch_records_;
  if (!read_header(file_.get(), bytes_ - batch_bytes_, header) || base_offset(header) != end_offset_ - batch_records_) {
    fail(path + ": its batches are not all of one size");
  }
}

}  // namespace load
