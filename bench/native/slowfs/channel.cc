#include "channel.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace slowfs {
namespace {

int open_device() {
  const int fd = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "/dev/fuse");
  return fd;
}

}  // namespace

Channel::Channel(const std::string& mountpoint) : mountpoint_(mountpoint), fd_(open_device()) {
  const std::string options = "fd=" + std::to_string(fd_) + ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
  if (mount("slowfs", mountpoint.c_str(), "fuse.slowfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    const int error = errno;
    ::close(fd_);
    throw std::system_error(error, std::generic_category(), "mount " + mountpoint);
  }
  mounted_ = true;
}

Channel::~Channel() {
  unmount(true);
  ::close(fd_);
}

std::size_t Channel::next(std::uint8_t* into) const {
  for (;;) {
    const ssize_t got = ::read(fd_, into, kRequestBytes);
    if (got > 0) return static_cast<std::size_t>(got);
    // ENOENT: the request was interrupted before it was read.
    if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    return 0;
  }
}

void Channel::reply_error(std::uint64_t unique, int error) const {
  fuse_out_header header{sizeof header, error > 0 ? -error : error, unique};
  [[maybe_unused]] const ssize_t written = ::write(fd_, &header, sizeof header);
}

void Channel::reply(std::uint64_t unique, std::initializer_list<iovec> parts) const {
  fuse_out_header header{sizeof header, 0, unique};
  std::vector<iovec> all{{&header, sizeof header}};
  for (const iovec& part : parts) {
    all.push_back(part);
    header.len += static_cast<std::uint32_t>(part.iov_len);
  }
  // Fails when the asker is gone: nobody is left to be told.
  [[maybe_unused]] const ssize_t written = ::writev(fd_, all.data(), static_cast<int>(all.size()));
}

void Channel::invalidate(std::uint64_t node) const {
  fuse_notify_inval_inode_out body{node, 0, 0};
  fuse_out_header header{sizeof header + sizeof body, FUSE_NOTIFY_INVAL_INODE, 0};
  iovec parts[] = {{&header, sizeof header}, {&body, sizeof body}};
  [[maybe_unused]] const ssize_t written = ::writev(fd_, parts, 2);
}

bool Channel::unmount(bool lazy) {
  if (!mounted_) return true;
  if (umount2(mountpoint_.c_str(), lazy ? MNT_DETACH : 0) != 0 && errno != EINVAL) return false;
  mounted_ = false;
  return true;
}

}  // namespace slowfs
