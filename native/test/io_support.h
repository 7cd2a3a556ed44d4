// For tests of the network half without Node: the program's main thread plays the JavaScript thread.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <functional>
#include <random>

#include "../io_server.h"
#include "check.h"

// Says which test runs, before it does.
#define RUN(test) (std::fprintf(stderr, "%s\n", #test), test)

namespace sluice {

inline std::vector<std::uint8_t> random_bytes(std::size_t length, unsigned seed) {
  std::vector<std::uint8_t> bytes(length);
  std::mt19937_64 random(seed);
  std::size_t done = 0;
  for (; done + 8 <= length; done += 8) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + done, &value, 8);
  }
  for (; done < length; done++) bytes[done] = static_cast<std::uint8_t>(random());
  return bytes;
}

struct Broker {
  std::mutex mutex;
  std::condition_variable woken;
  bool wake = false;
  EventChannel events;
  std::shared_ptr<SlabPool> pool;
  std::unique_ptr<DiskQueue> disk;
  std::unique_ptr<IoServer> io;
  std::uint16_t port = 0;
  double listener = 0;
  std::function<void(std::uint64_t connection, const std::uint8_t* bytes, std::size_t length, const FrameView& frame)> on_frame;
  std::function<void(std::uint64_t connection, CloseReason reason)> on_closed;
  int opened = 0, closed = 0, completions = 0, refused = 0;
  CloseReason last_reason = CloseReason::Peer;
  std::uint64_t last_opened = 0;

  static inline bool home = false;  // whether this thread receives, too

  explicit Broker(IoOptions options = {}, std::size_t memory = std::size_t{256} << 20, const DiskQueueOptions& lanes = {},
                  std::shared_ptr<StandingPlaces> places = nullptr)
      : events([this] {
          std::lock_guard lock(mutex);
          wake = true;
          woken.notify_one();
        }),
        pool(std::make_shared<SlabPool>(memory)),
        disk(DiskQueue::create(lanes)) {
    options.home = home;
    io = std::make_unique<IoServer>(options, events, pool, *disk, std::move(places));
    CHECK_EQ(io->listen("127.0.0.1", 0, 128, listener, port), 0);
    on_frame = [this](std::uint64_t connection, const std::uint8_t* bytes, std::size_t length, const FrameView& frame) {
      echo(connection, bytes, length);
      pool->release(frame.id);
    };
  }
  ~Broker() {
    io.reset();
    disk->stop();
    events.close();
  }

  void echo(std::uint64_t connection, const std::uint8_t* bytes, std::size_t length) {
    std::vector<std::uint8_t> response(4 + length);
    const std::uint32_t prefix = htonl(static_cast<std::uint32_t>(length));
    std::memcpy(response.data(), &prefix, 4);
    std::memcpy(response.data() + 4, bytes, length);
    io->send(connection, response.data(), response.size(), {});
  }

  // Handles events until `until` holds.
  void drive(const std::function<bool()>& until, int limit_ms = 20'000) {
    const std::int64_t deadline = monotonic_ms() + limit_ms;
    while (!until()) {
      CHECK(monotonic_ms() < deadline);
      {
        std::unique_lock lock(mutex);
        woken.wait_for(lock, std::chrono::milliseconds(home ? 0 : 2), [&] { return wake; });
        wake = false;
      }
      if (home) io->turn(2);
      double rows[64 * 6];
      for (std::size_t count = 64; count == 64;) {
        count = events.poll(rows, 64);
        for (std::size_t i = 0; i < count; i++) handle(rows + i * 6);
      }
    }
  }

  void handle(const double* row) {
    const auto connection = static_cast<std::uint64_t>(row[1]);
    switch (static_cast<EventKind>(static_cast<int>(row[0]))) {
      case EventKind::Frame: {
        const FrameView frame{static_cast<std::uint64_t>(row[2]), static_cast<std::uint32_t>(row[3]), static_cast<std::size_t>(row[4]),
                              static_cast<std::size_t>(row[5])};
        on_frame(connection, pool->expose(frame.slab)->data + frame.offset, frame.length, frame);
        break;
      }
      case EventKind::ConnectionOpened:
        opened++;
        last_opened = connection;
        break;
      case EventKind::ConnectionClosed:
        closed++;
        last_reason = static_cast<CloseReason>(static_cast<int>(row[2]));
        if (on_closed) on_closed(connection, last_reason);
        break;
      case EventKind::Completion:
        completions++;
        break;
      case EventKind::AcceptFailed:
        CHECK_EQ(row[2], EMFILE);
        refused++;
        break;
    }
  }
};

// A segment file of its own.
struct TempFile {
  char path[64] = "/tmp/sluice-io-test-XXXXXX";
  std::shared_ptr<LogFile> file;
  std::shared_ptr<LogMeter> meter = std::make_shared<LogMeter>();
  explicit TempFile(const std::vector<std::uint8_t>& bytes) {
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    file = std::make_shared<LogFile>(fd, bytes.size(), meter);
  }
  ~TempFile() { unlink(path); }
  FileRegion region(std::uint64_t position, std::uint64_t length) const { return {file, position, length, file->truncations()}; }
  void evict() {
    fdatasync(file->fd());
    posix_fadvise(file->fd(), 0, 0, POSIX_FADV_DONTNEED);
  }
};

// A client that never blocks: bytes out of `output`, whatever comes into `input`.
struct Client {
  int fd;
  std::vector<std::uint8_t> output, input;
  std::size_t written = 0;
  bool ended = false;
  bool reading = true;

  explicit Client(std::uint16_t port, int receive_buffer = 0) {
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  ~Client() {
    if (fd >= 0) close(fd);
  }

  void frame(const std::vector<std::uint8_t>& body) {
    const std::uint32_t prefix = htonl(static_cast<std::uint32_t>(body.size()));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&prefix);
    output.insert(output.end(), bytes, bytes + 4);
    output.insert(output.end(), body.begin(), body.end());
  }

  void step(std::size_t most = SIZE_MAX) {
    if (written < output.size()) {
      const ssize_t sent = send(fd, output.data() + written, std::min(most, output.size() - written), MSG_NOSIGNAL);
      if (sent > 0) written += static_cast<std::size_t>(sent);
    }
    if (!reading) return;
    std::uint8_t buffer[65536];
    for (;;) {
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got > 0) input.insert(input.end(), buffer, buffer + got);
      if (got == 0 || (got < 0 && errno != EAGAIN)) ended = true;
      if (got <= 0) return;
    }
  }
};

}  // namespace sluice
