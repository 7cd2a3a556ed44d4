#include "../slab_pool.h"

#include <atomic>
#include <cstring>
#include <deque>
#include <random>
#include <thread>

#include "check.h"

using namespace sluice;

namespace {

struct Owner final : FrameOwner {
  std::atomic<std::size_t> frames{0}, bytes{0};
  void frame_released(std::size_t count) noexcept override {
    frames++;
    bytes += count;
  }
};

const std::uint8_t* bytes_of(SlabPool& pool, const FrameView& frame) { return pool.expose(frame.slab)->data + frame.offset; }

void references() {
  auto pool = std::make_shared<SlabPool>(1 << 20);
  FrameRef frame = pool->allocate(10);
  std::memset(frame.data(), 7, 10);
  const std::uint64_t id = frame.id();
  FrameRef second = frame.share();
  CHECK_EQ(second.id(), id);
  frame.reset();
  CHECK_EQ(pool->find(id).data()[9], 7);
  CHECK(pool->view(id)->length == 10);
  const std::uint64_t given = second.detach();
  CHECK(!second);
  CHECK(pool->release(given));
  CHECK(!pool->release(given));  // stale from now on
  CHECK(!pool->find(given));
  CHECK(!pool->find(0));
  CHECK(!pool->find(std::uint64_t{1} << 52));
  const FrameRef again = pool->allocate(10);
  CHECK(again.id() != id);  // the slot is the same, the generation is not
  FrameRef empty = pool->allocate(0);
  CHECK(empty);
  FrameRef large = pool->allocate(5'000'000);
  CHECK_EQ(large.size(), 5'000'000u);
  std::memset(large.data(), 1, large.size());
  CHECK_EQ(pool->charged(), 0u);  // outside the bound
}

void lent() {
  auto pool = std::make_shared<SlabPool>(1 << 20);
  auto owner = std::make_shared<Owner>();
  std::vector<std::uint8_t> mine(100'000, 5);
  FrameRef frame = pool->lend(mine.data(), mine.size(), owner);
  CHECK(frame.data() == mine.data());
  CHECK_EQ(pool->charged(), 0u);
  CHECK_EQ(pool->mapped_bytes(), 0u);
  CHECK(!pool->view(frame.id()));  // of no slab
  FrameRef second = pool->find(frame.id());
  CHECK(second.data() == mine.data() && second.size() == mine.size());
  const std::uint64_t id = frame.id();
  frame.reset();
  CHECK_EQ(owner->frames.load(), 0u);
  second.reset();
  CHECK_EQ(owner->bytes.load(), mine.size());
  CHECK(!pool->find(id));
}

void charge() {
  auto pool = std::make_shared<SlabPool>(1 << 20);
  auto owner = std::make_shared<Owner>();
  SlabPool::Writer writer;
  const std::vector<std::uint8_t> data(1000, 3);
  const auto a = pool->add(writer, data.data(), data.size(), owner);
  const auto b = pool->add(writer, data.data(), data.size(), owner);
  CHECK_EQ(pool->charged(), 2000u);
  CHECK_EQ(a->slab, b->slab);
  CHECK_EQ(std::memcmp(bytes_of(*pool, *b), data.data(), 1000), 0);
  pool->release(a->id);
  CHECK_EQ(owner->frames.load(), 1u);
  CHECK_EQ(pool->charged(), 2000u);  // the slab is still in use
  pool->release(b->id);
  CHECK_EQ(owner->bytes.load(), 2000u);
  CHECK_EQ(pool->charged(), 0u);

  // A large claim is charged by what arrives, and costs no memory before.
  SlabPool::Space space;
  CHECK(pool->begin(writer, 100'000'000, space));
  CHECK(pool->mapped_bytes() < 8u << 20);
  CHECK_EQ(pool->charged(), 0u);
  pool->arrived(space, 500);
  CHECK_EQ(pool->charged(), 500u);
  pool->abandon(space);
  CHECK_EQ(pool->charged(), 0u);
  pool->close_writer(writer);
}

// A frame that outgrows its first reservation keeps its bytes.
void growth() {
  auto pool = std::make_shared<SlabPool>(1u << 30);
  SlabPool::Writer writer;
  SlabPool::Space space;
  const std::size_t length = SlabPool::kFirstStep + 3'000'001;
  CHECK(pool->begin(writer, length, space));
  std::size_t done = 0;
  while (space.missing() > 0) {
    if (space.room() == 0) CHECK(pool->grow(space));
    const std::size_t part = std::min<std::size_t>({space.room(), space.missing(), 700'001});
    for (std::size_t i = 0; i < part; i++) space.next()[i] = static_cast<std::uint8_t>((done + i) * 31 >> 3);
    pool->arrived(space, part);
    done += part;
  }
  const FrameView frame = pool->finish(space, nullptr);
  CHECK_EQ(frame.length, length);
  CHECK_EQ(pool->charged(), length);
  const std::uint8_t* bytes = bytes_of(*pool, frame);
  for (std::size_t i = 0; i < length; i++) CHECK_EQ(bytes[i], static_cast<std::uint8_t>(i * 31 >> 3));
  pool->release(frame.id);
  CHECK_EQ(pool->charged(), 0u);
  pool->close_writer(writer);
}

void room() {
  auto pool = std::make_shared<SlabPool>(100'000);
  int calls = 0;
  pool->on_room([&] { calls++; });
  SlabPool::Writer writer;
  const std::vector<std::uint8_t> data(60'000, 3);
  std::vector<FrameView> frames;
  while (!pool->full(false)) frames.push_back(*pool->add(writer, data.data(), data.size(), nullptr));
  CHECK(pool->full(true));
  pool->wait_for_room();
  for (const FrameView& frame : frames) pool->release(frame.id);
  CHECK_EQ(calls, 1);
  CHECK(!pool->full(true));
  pool->on_room({});
  pool->close_writer(writer);
}

// Memory is given back: mapped but idle slabs are bounded, exposed ones through the retired list.
void retirement() {
  auto pool = std::make_shared<SlabPool>(std::size_t{8} << 30);
  std::vector<FrameRef> frames;
  for (int i = 0; i < 300; i++) frames.push_back(pool->allocate(1 << 20));
  for (FrameRef& frame : frames) pool->expose(pool->view(frame.id())->slab);
  frames.clear();
  CHECK(pool->has_retired());
  std::vector<std::uint32_t> retired;
  pool->take_retired(retired);
  for (const std::uint32_t slab : retired) pool->discard(slab);
  CHECK(!pool->expose(retired[0]));
  CHECK(pool->mapped_bytes() <= 80u << 20);
  for (int i = 0; i < 300; i++) frames.push_back(pool->allocate(1 << 20));
  frames.clear();
  CHECK(pool->mapped_bytes() <= 200u << 20);
}

// Pages of released frames go back to the kernel, but for a bounded rest.
void resident() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const auto anonymous_kib = [] {
    std::FILE* file = std::fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;
    while (std::fgets(line, sizeof line, file))
      if (std::sscanf(line, "RssAnon: %ld", &kib) == 1) break;
    std::fclose(file);
    return kib;
  };
  auto pool = std::make_shared<SlabPool>(std::size_t{1} << 30);
  const long before = anonymous_kib();
  std::vector<FrameRef> frames;
  for (const std::size_t bytes : {60'000, 300'000, 1'000'000, 50'000'000})
    for (int i = 0; i < (bytes > 10'000'000 ? 3 : 100); i++) {
      frames.push_back(pool->allocate(bytes));
      std::memset(frames.back().data(), 1, bytes);
    }
  CHECK(anonymous_kib() - before > 250'000);
  frames.clear();
  CHECK(anonymous_kib() - before < 26 * 1024);
#endif
}

// One thread receives, two release: every frame keeps its own bytes until it is released.
void threads() {
  auto pool = std::make_shared<SlabPool>(std::size_t{1} << 30);
  auto owner = std::make_shared<Owner>();
  std::mutex mutex;
  std::deque<FrameView> queue;
  std::atomic<bool> done{false};
  constexpr int kFrames = 20000;
  auto consume = [&] {
    for (;;) {
      FrameView frame;
      {
        std::lock_guard lock(mutex);
        if (queue.empty()) {
          if (done) return;
          continue;
        }
        frame = queue.front();
        queue.pop_front();
      }
      const FrameRef reference = pool->find(frame.id);
      for (std::size_t i = 0; i < frame.length; i += 97) CHECK_EQ(reference.data()[i], static_cast<std::uint8_t>(frame.length));
      CHECK(pool->release(frame.id));
    }
  };
  std::thread one(consume), two(consume);
  std::mt19937 random(1);
  SlabPool::Writer writer;
  for (int i = 0; i < kFrames; i++) {
    const std::size_t length = i % 500 == 0 ? 100'000 + random() % 1'000'000 : 1 + random() % 3000;
    std::vector<std::uint8_t> data(length, static_cast<std::uint8_t>(length));
    FrameView frame;
    if (length <= SlabPool::kSmallFrame && i % 3 != 0) {
      frame = *pool->add(writer, data.data(), length, owner);
    } else {
      SlabPool::Space space;
      CHECK(pool->begin(writer, length, space));
      std::memcpy(space.next(), data.data(), length);
      pool->arrived(space, length);
      frame = pool->finish(space, owner);
    }
    std::lock_guard lock(mutex);
    queue.push_back(frame);
  }
  done = true;
  one.join();
  two.join();
  pool->close_writer(writer);
  CHECK_EQ(pool->charged(), 0u);
  CHECK_EQ(owner->frames.load(), static_cast<std::size_t>(kFrames));
}

}  // namespace

int main() {
  references();
  lent();
  charge();
  growth();
  room();
  retirement();
  resident();
  threads();
}
