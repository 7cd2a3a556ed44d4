// load canned: the limit that a broker can be compared with. One thread answers every Fetch from one file: a header that takes no thinking, and
// the records by sendfile. No log, no index but a division, no checks.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>

#include "canned_answer.h"
#include "commands.h"

namespace load {
namespace {

// How the records leave.
enum class Way { Sendfile, ReadWrite };

class Peer {
 public:
  Peer(FileDescriptor socket, const Canned& canned, Way way) : socket_(std::move(socket)), canned_(canned), way_(way) {}

  int socket() const { return socket_.get(); }
  bool blocked() const { return blocked_; }

  // Answers what is there until the socket is full or nothing more is asked. Throws Failure when the peer is gone.
  void serve() {
    while (flush()) {
      if (next_request()) continue;
      if (received_ == in_.size()) fail("a request of more than " + std::to_string(in_.size()) + " bytes");
      const ssize_t got = ::recv(socket_.get(), in_.data() + received_, in_.size() - received_, MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) fail("gone");
      received_ += static_cast<std::size_t>(got);
    }
  }

 private:
  static constexpr std::size_t kChunk = 256 * 1024;

  bool next_request() {
    if (received_ < 4) return false;
    const std::size_t size = 4 + std::size_t{load_be<std::uint32_t>(in_.data())};
    if (received_ < size) return false;
    range_ = canned_answer(View{in_.data() + 4, size - 4}, canned_, head_);
    head_sent_ = 0;
    tail_left_ = range_.length > 0 ? kFetchTailBytes : 0;
    received_ -= size;
    std::memmove(in_.data(), in_.data() + size, received_);
    return true;
  }

  // True when all of the answer is with the kernel.
  bool flush() {
    blocked_ = false;
    while (head_sent_ < head_.size()) {
      if (!sent(::send(socket_.get(), head_.at(head_sent_), head_.size() - head_sent_, flags(range_.length > 0)))) return false;
      head_sent_ += moved_;
    }
    while (range_.length > 0) {
      if (!(way_ == Way::Sendfile ? send_from_file() : send_copy())) return false;
      range_.position += static_cast<std::int64_t>(moved_);
      range_.length -= static_cast<std::int64_t>(moved_);
    }
    while (tail_left_ > 0) {
      static constexpr std::array<std::uint8_t, kFetchTailBytes> kTail{};
      if (!sent(::send(socket_.get(), kTail.data(), tail_left_, flags(false)))) return false;
      tail_left_ -= moved_;
    }
    return true;
  }

  bool send_from_file() {
    off_t position = range_.position;
    return sent(::sendfile(socket_.get(), canned_.segment.file(), &position, static_cast<std::size_t>(range_.length)));
  }

  bool send_copy() {
    chunk_.resize(kChunk);
    const ssize_t got = pread(canned_.segment.file(), chunk_.data(), std::min<std::size_t>(kChunk, static_cast<std::size_t>(range_.length)), range_.position);
    if (got <= 0) fail_errno("pread");
    return sent(::send(socket_.get(), chunk_.data(), static_cast<std::size_t>(got), flags(true)));
  }

  static int flags(bool more) { return MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0); }

  bool sent(ssize_t result) {
    moved_ = 0;
    if (result < 0 && errno == EINTR) return true;
    if (result < 0 && errno == EAGAIN) {
      blocked_ = true;
      return false;
    }
    if (result <= 0) fail("gone");
    moved_ = static_cast<std::size_t>(result);
    return true;
  }

  FileDescriptor socket_;
  const Canned& canned_;
  const Way way_;
  std::array<std::uint8_t, 64 * 1024> in_;
  std::size_t received_ = 0;
  Writer head_;
  std::size_t head_sent_ = 0;
  FileRange range_;
  std::size_t tail_left_ = 0;
  std::size_t moved_ = 0;
  bool blocked_ = false;
  Bytes chunk_;
};

// `send_buffer` 0: the system's choice. Accepted sockets inherit it.
FileDescriptor listen_on(std::uint16_t& port, int send_buffer) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (send_buffer > 0) setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket.get(), generic, length) < 0 || listen(socket.get(), SOMAXCONN) < 0 || getsockname(socket.get(), generic, &length) < 0) {
    fail_errno("127.0.0.1:" + std::to_string(port));
  }
  port = ntohs(address.sin_port);
  return socket;
}

class Server {
 public:
  Server(FileDescriptor listener, const Canned& canned, Way way)
      : listener_(std::move(listener)), canned_(canned), way_(way), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_.get() < 0) fail_errno("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_.get(), EPOLLIN);
    // Whoever started us holds the other end: its death ends us. A file or terminal cannot be watched, and needs not.
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = STDIN_FILENO;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }

  void run() {
    for (;;) {
      std::array<epoll_event, 64> events;
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
      for (int each = 0; each < count; each++) {
        const int fd = events[static_cast<std::size_t>(each)].data.fd;
        if (fd == listener_.get()) {
          accept_peers();
        } else if (fd == STDIN_FILENO) {
          std::array<char, 256> ignored;
          if (read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
        } else {
          serve(fd);
        }
      }
    }
  }

 private:
  void accept_peers() {
    for (;;) {
      FileDescriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket.get() < 0) return;
      const int on = 1;
      setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int fd = socket.get();
      peers_[fd] = std::make_unique<Peer>(std::move(socket), canned_, way_);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void serve(int fd) {
    Peer& peer = *peers_.at(fd);
    const bool was_blocked = peer.blocked();
    try {
      peer.serve();
    } catch (const Failure&) {
      peers_.erase(fd);
      return;
    }
    if (peer.blocked() != was_blocked) watch(EPOLL_CTL_MOD, fd, peer.blocked() ? EPOLLOUT : EPOLLIN);
  }

  void watch(int operation, int fd, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), operation, fd, &event) < 0) fail_errno("epoll_ctl");
  }

  FileDescriptor listener_;
  const Canned& canned_;
  const Way way_;
  FileDescriptor epoll_;
  std::unordered_map<int, std::unique_ptr<Peer>> peers_;
};

}  // namespace

void canned_command(Arguments& arguments) {
  auto port = static_cast<std::uint16_t>(arguments.number("port", 0, 0, 65535));
  const UniformSegment segment(arguments.text("file"));
  const std::int64_t most_bytes = arguments.number("fetch-bytes", INT32_MAX, 1, INT32_MAX);
  const auto send_buffer = static_cast<int>(arguments.number("send-buffer", 0, 0, INT32_MAX));
  const Way way = arguments.on("readwrite") ? Way::ReadWrite : Way::Sendfile;
  arguments.end();
  FileDescriptor listener = listen_on(port, send_buffer);
  const Canned canned{segment, most_bytes, port};
  std::cout << "{\"port\":" << port << "}" << std::endl;
  Server(std::move(listener), canned, way).run();
}

}  // namespace load
