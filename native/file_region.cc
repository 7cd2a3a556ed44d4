#include "file_region.h"

#include <unistd.h>

namespace sluice {

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace sluice
