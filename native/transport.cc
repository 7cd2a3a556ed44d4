#include "transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {

namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}
  ~PlainTransport() override { ::close(fd_); }

  int fd() const override { return fd_; }
  int direct_fd() const override { return fd_; }

  ssize_t read(const iovec* parts, int count) override {
    ssize_t result;
    do result = ::readv(fd_, parts, count);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
  }

  ssize_t write(const iovec* parts, int count, bool more) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    ssize_t result;
    do result = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (held_ && !more) release();
    return result;
  }

  // sendfile(2) knows no MSG_MORE.
  void hold() override {
    if (!held_) cork(1);
  }
  void release() override {
    if (held_) cork(0);
  }

  void shutdown_write() override { ::shutdown(fd_, SHUT_WR); }
  void shutdown_both() override { ::shutdown(fd_, SHUT_RDWR); }

 private:
  void cork(int on) {
    setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
    held_ = on != 0;
  }

  const int fd_;
  bool held_ = false;
};

class LentTransport final : public PlainTransport {
 public:
  using PlainTransport::PlainTransport;
  void shutdown_write() override {}
  void shutdown_both() override {}
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int fd) { return std::make_unique<PlainTransport>(fd); }

std::unique_ptr<Transport> lent_transport(int fd) { return std::make_unique<LentTransport>(fd); }

}  // namespace sluice
