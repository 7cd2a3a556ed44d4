// load produce: batches that were encoded once, to partitions in turn.
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "client.h"
#include "commands.h"
#include "engine.h"
#include "lanes.h"
#include "produce_request.h"

namespace load {
namespace {

class ProduceConnection : public Connection {
 public:
  ProduceConnection(const Lane& lane, const std::string& topic, std::int16_t acks, const Batch& batch)
      : Connection(connect_to(lane.leader), lane.leader),
        topic_(topic),
        partitions_(lane.partitions),
        acks_(acks),
        batch_(batch),
        head_(make_produce_head(topic, acks, batch)) {}

  bool expects_answers() const override { return acks_ != 0; }

  // Without acknowledgements, the answer to a request behind them says that the broker has taken them all.
  void settle() override {
    if (expects_answers()) return;
    const int flags = fcntl(socket(), F_GETFL);
    if (flags < 0 || fcntl(socket(), F_SETFL, flags & ~O_NONBLOCK) < 0) fail_errno("fcntl");
    const Bytes question = frame(request(Api::ApiVersions, 0));
    exchange(socket(), question, address());
  }

 protected:
  Parts next_request() override {
    store_be(head_.bytes.data() + kCorrelationAt, ++correlation_);
    store_be(head_.bytes.data() + head_.partition_at, static_cast<std::uint32_t>(partitions_[correlation_ % partitions_.size()]));
    if (!expects_answers()) count();
    static std::array<std::uint8_t, kProduceTailBytes> tail{};
    const auto part = [](const std::uint8_t* bytes, std::size_t length) { return iovec{const_cast<std::uint8_t*>(bytes), length}; };
    return {{part(head_.bytes.data(), head_.bytes.size()), part(batch_.bytes.data(), batch_.bytes.size()), part(tail.data(), tail.size())}, 3};
  }

  void answer(View head, std::size_t) override {
    const Produced produced = read_produced(head);
    if (produced.error != 0) fail(address() + ": Produce to " + topic_ + ": " + error_name(produced.error));
    count();
  }

 private:
  void count() {
    bytes += batch_.bytes.size();
    records += static_cast<std::uint64_t>(batch_.records);
  }

  const std::string& topic_;
  const std::vector<int> partitions_;
  const std::int16_t acks_;
  const Batch& batch_;
  ProduceHead head_;
  std::uint32_t correlation_ = 0;
};

}  // namespace

void produce_command(Arguments& arguments) {
  const std::string bootstrap = arguments.text("bootstrap");
  const std::string name = arguments.text("topic");
  const auto partitions = static_cast<int>(arguments.number("partitions", 1, 1, 100'000));
  const auto batch_bytes = static_cast<std::size_t>(arguments.number("batch-bytes", 65536, 1, 512 << 20));
  const auto record_bytes = static_cast<std::size_t>(arguments.number("record-bytes", 1024, 0, 512 << 20));
  const auto connections = static_cast<std::size_t>(arguments.number("connections", 1, 1, 20'000));
  const auto acks = static_cast<std::int16_t>(arguments.number("acks", 1, -1, 1));
  const std::int64_t total = arguments.number("bytes", 0, 0, INT64_MAX);
  const auto threads = static_cast<std::size_t>(arguments.number("threads", 1, 1, 64));
  Schedule schedule;
  schedule.in_flight = static_cast<std::size_t>(arguments.number("in-flight", 5, 1, 10'000));
  schedule.rate = arguments.real("rate", 0, 0, 1e9);
  schedule.duration = static_cast<Nanoseconds>(arguments.real("seconds", 0, 0, 1e6) * 1e9);
  const bool wait = arguments.on("wait");
  arguments.end();
  if (total == 0 && schedule.duration == 0) throw UsageFailure("one of --bytes and --seconds is needed");

  Client client(bootstrap);
  client.require(Api::Produce, "Produce", 9);
  const Topic topic = client.topic(name, partitions);
  const Batch batch = make_batch(batch_bytes, record_bytes);
  if (total > 0) schedule.most_requests = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(total) / batch.bytes.size());
  await_leaders(topic);

  Connections list;
  for (const Lane& lane : make_lanes(topic, connections, false)) {
    list.push_back(std::make_unique<ProduceConnection>(lane, topic.name, acks, batch));
  }
  await_go(wait);
  print_run(run_traffic(list, schedule, threads));
}

}  // namespace load
