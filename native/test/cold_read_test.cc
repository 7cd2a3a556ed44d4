// What is not in memory waits alone, and what is known to be in memory.
#include <signal.h>

#include <algorithm>

#include "io_support.h"

using namespace sluice;

namespace {

std::vector<std::uint8_t> pattern(std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  for (std::size_t i = 0; i < length; i++) bytes[i] = static_cast<std::uint8_t>(i ^ i >> 8 ^ i >> 16);
  return bytes;
}

struct ColdFile {
  char path[64] = "/tmp/sluice-cold-test-XXXXXX";
  std::shared_ptr<LogFile> file;
  explicit ColdFile(const std::vector<std::uint8_t>& bytes) {
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    file = std::make_shared<LogFile>(fd, bytes.size());
  }
  ~ColdFile() { unlink(path); }
  FileRegion region(std::uint64_t position, std::uint64_t length) const { return {file, position, length, file->truncations()}; }
  void evict() {
    fdatasync(file->fd());
    posix_fadvise(file->fd(), 0, 0, POSIX_FADV_DONTNEED);
  }
};

// While the disk threads are held up and their lane is full, cold readers wait, others are served, and a peer that goes leaves nothing behind.
void cold_readers_wait_alone() {
  const auto data = pattern(4 << 20);
  // In file systems with RWF_NOWAIT, Auto probes small regions by a read that starts the real one: a fast disk is done before anybody waits. So no region
  // is small here.
  constexpr std::uint64_t apart = 600'000;
  for (int mode = 0; mode <= 4; mode++) {
    for (const std::uint64_t bytes : {3000, 300'000}) {
      Broker broker({}, std::size_t{256} << 20, {.read_threads = 1, .queue_limit = 2});
      broker.io->settings().mode.store(mode);
      broker.io->settings().copy_below.store(0);
      ColdFile cold(data);
      ColdFile hot(data);
      std::mutex gate;
      gate.lock();
      int held = 0;
      while (held < 3)
        if (broker.disk->submit(Lane::Read, 0, [&gate] { std::lock_guard wait(gate); })) held++;
      broker.on_frame = [&](std::uint64_t connection, const std::uint8_t* request, std::size_t, const FrameView& frame) {
        ColdFile& file = request[0] == 'c' ? cold : hot;
        const std::uint64_t position = request[1] * apart;
        broker.pool->release(frame.id);
        CHECK(broker.io->send(connection, data.data(), 4, {{4, file.region(position, bytes)}}) >= 0);
      };
      cold.evict();
      std::vector<std::unique_ptr<Client>> waiting;
      for (std::uint8_t i = 0; i < 6; i++) {
        waiting.push_back(std::make_unique<Client>(broker.port));
        waiting.back()->frame({'c', i});
      }
      Client other(broker.port);
      double counters[kCounters];
      broker.drive([&] {
        for (auto& client : waiting) client->step();
        broker.io->counters(counters);
        return counters[static_cast<unsigned>(Counter::ColdReads)] >= 6;
      });
      for (int i = 1; i <= 20; i++) {
        other.frame({'h', 0});
        broker.drive([&] {
          other.step();
          return other.input.size() == static_cast<std::size_t>(i) * (4 + bytes);
        });
      }
      for (auto& client : waiting) client->step();
      for (auto& client : waiting) CHECK(client->input.size() <= 4);  // the bytes before the region
      waiting.resize(3);
      broker.drive([&] { return broker.closed == 3; });
      gate.unlock();
      broker.drive([&] {
        for (auto& client : waiting) client->step();
        return std::all_of(waiting.begin(), waiting.end(), [&](const auto& client) { return client->input.size() == 4 + bytes; });
      });
      for (std::size_t i = 0; i < waiting.size(); i++)
        CHECK(std::equal(waiting[i]->input.begin() + 4, waiting[i]->input.end(), data.begin() + static_cast<long>(i * apart)));
      waiting.clear();
      broker.drive([&] { return broker.closed == 6 && cold.file.use_count() == 1; });
    }
  }
}

// What was appended seconds ago needs no probe; what stood there before, and what has grown old, does.
void fresh_tail() {
  LogFile file(-1, 1000);
  CHECK(!file.fresh(1000, 50'000));
  file.appended(1000, 50'000);
  CHECK(file.fresh(1000, 50'000));
  CHECK(!file.fresh(999, 50'000));
  file.appended(2000, 52'000);
  file.appended(3000, 53'500);
  CHECK(file.fresh(1000, 53'600));
  file.appended(4000, 57'000);
  CHECK(!file.fresh(2999, 57'000));
  CHECK(file.fresh(3000, 57'000));
  CHECK(file.fresh(4000, 60'500));
  CHECK(!file.fresh(3999, 60'500));
  CHECK(!file.fresh(4000, 63'000));
  file.appended(5000, 90'000);
  CHECK(!file.fresh(4999, 90'000));
  CHECK(file.fresh(5000, 90'000));
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);  // as Node does
  fresh_tail();
  for (const bool home : {false, true}) {
    Broker::home = home;
    cold_readers_wait_alone();
  }
}
