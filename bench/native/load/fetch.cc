// load fetch: reads a log again and again. What each fetch gives is learnt before by reading once, so that no answer must be looked into: the
// generator only checks its error codes and sizes, and with --take trunc never sees the records.
#include <algorithm>
#include <map>
#include <memory>

#include "batch.h"
#include "client.h"
#include "commands.h"
#include "engine.h"
#include "fetch_request.h"
#include "lanes.h"

namespace load {
namespace {

// A fetch whose answer is known.
struct Step {
  std::int64_t offset;
  std::uint32_t answer_bytes;  // the frame with its length prefix
  std::uint32_t useful_bytes;  // of whole batches
  std::uint32_t records;
};

using Plan = std::vector<Step>;

Plan learn(Client& client, const Topic& topic, int partition, const FetchOptions& options, std::int64_t from, std::int64_t limit) {
  const std::string name = topic.name + "-" + std::to_string(partition);
  FetchFrame fetch = make_fetch(topic, partition, options);
  Plan plan;
  for (std::int64_t read = 0; read < limit;) {
    store_be(fetch.bytes.data() + fetch.offset_at, static_cast<std::uint64_t>(from));
    const Bytes answer = client.call(fetch.bytes);
    const Fetched fetched = read_fetched(answer, options.version);
    if (fetched.error != 0) fail(client.address() + ": Fetch of " + name + " at offset " + std::to_string(from) + ": " + error_name(fetched.error));
    const Walked walked = walk_batches(fetched.records);
    if (walked.next_offset < 0) {
      if (from < fetched.high_watermark) fail(name + ": a fetch at offset " + std::to_string(from) + " gives no whole batch");
      break;
    }
    plan.push_back({from, static_cast<std::uint32_t>(answer.size() + 8), walked.bytes, walked.records});
    from = walked.next_offset;
    read += walked.bytes;
  }
  if (plan.empty()) fail(name + " holds nothing to fetch");
  return plan;
}

// A connection's way through the plan of one partition.
struct Course {
  const Plan* plan;
  FetchFrame fetch;
  std::size_t first;
  std::size_t end;
  std::size_t next;
};

class FetchConnection : public Connection {
 public:
  FetchConnection(const Lane& lane, const FetchOptions& options, Take take, bool once)
      : Connection(connect_to(lane.leader), lane.leader), version_(options.version), once_(once) {
    set_take(take);
  }

  // `share` of `shares`: the part of the plan that is this connection's.
  void add(const Topic& topic, int partition, const FetchOptions& options, const Plan& plan, std::size_t share, std::size_t shares) {
    const std::size_t first = plan.size() * share / shares;
    const std::size_t end = plan.size() * (share + 1) / shares;
    if (first < end) courses_.push_back({&plan, make_fetch(topic, partition, options), first, end, first});
  }

  bool has_more() const override { return !courses_.empty(); }

 protected:
  Parts next_request() override {
    if (turn_ >= courses_.size()) turn_ = 0;
    Course& course = courses_[turn_];
    const Step& step = (*course.plan)[course.next];
    expected_.push_back(&step);
    request_ = course.fetch.bytes;
    store_be(request_.data() + course.fetch.offset_at, static_cast<std::uint64_t>(step.offset));
    store_be(request_.data() + kCorrelationAt, ++correlation_);
    if (++course.next < course.end) {
      turn_++;
    } else if (once_) {
      courses_.erase(courses_.begin() + static_cast<std::ptrdiff_t>(turn_));
    } else {
      course.next = course.first;
      turn_++;
    }
    Parts parts;
    parts.list[0] = {request_.data(), request_.size()};
    parts.count = 1;
    return parts;
  }

  void answer(View head, std::size_t size) override {
    const Step& step = *expected_.front();
    const Fetched fetched = read_fetched(head, version_);
    const std::string at = address() + ": a fetch at offset " + std::to_string(step.offset);
    if (fetched.error != 0) fail(at + ": " + error_name(fetched.error));
    if (size != step.answer_bytes) {
      fail(at + " gave " + std::to_string(size) + " bytes, the same fetch before the run gave " + std::to_string(step.answer_bytes));
    }
    bytes += step.useful_bytes;
    records += step.records;
    expected_.pop_front();
  }

  std::size_t expected_size() const override { return expected_.empty() ? 0 : expected_.front()->answer_bytes; }

 private:
  const std::int16_t version_;
  const bool once_;
  std::vector<Course> courses_;
  std::size_t turn_ = 0;
  std::deque<const Step*> expected_;
  Bytes request_;
  std::uint32_t correlation_ = 0;
};

using Plans = std::map<int, Plan>;

Plans learn_all(const Topic& topic, const FetchOptions& options, const std::string& from, std::int64_t limit) {
  std::map<std::string, Client> clients;
  Plans plans;
  for (std::size_t at = 0; at < topic.leaders.size(); at++) {
    const auto partition = static_cast<int>(at);
    Client& client = clients.try_emplace(topic.leaders[at], topic.leaders[at]).first->second;
    const std::int64_t offset = from == "earliest" ? client.offset(topic.name, partition, -2) : std::stoll(from);
    plans[partition] = learn(client, topic, partition, options, offset, limit);
  }
  return plans;
}

Connections open_connections(const Topic& topic, const std::vector<Lane>& lanes, const FetchOptions& options, const Plans& plans, Take take,
                             bool once) {
  std::map<int, std::size_t> readers;
  for (const Lane& lane : lanes) {
    for (const int partition : lane.partitions) readers[partition]++;
  }
  std::map<int, std::size_t> seen;
  Connections connections;
  for (const Lane& lane : lanes) {
    auto connection = std::make_unique<FetchConnection>(lane, options, take, once);
    for (const int partition : lane.partitions) {
      const Plan& plan = plans.at(partition);
      if (once) {
        connection->add(topic, partition, options, plan, seen[partition]++, readers[partition]);
      } else {
        connection->add(topic, partition, options, plan, 0, 1);
      }
    }
    connections.push_back(std::move(connection));
  }
  return connections;
}

}  // namespace

void fetch_command(Arguments& arguments) {
  const std::string bootstrap = arguments.text("bootstrap");
  const std::string name = arguments.text("topic");
  const auto partitions = static_cast<int>(arguments.number("partitions", 1, 1, 100'000));
  const auto connections = static_cast<std::size_t>(arguments.number("connections", 1, 1, 20'000));
  const auto threads = static_cast<std::size_t>(arguments.number("threads", 1, 1, 64));
  const std::int64_t limit = arguments.number("limit", INT64_MAX, 1, INT64_MAX);
  const std::string take = arguments.text("take", "copy");
  const std::string from = arguments.text("from", "earliest");
  FetchOptions options;
  options.max_bytes = static_cast<std::int32_t>(arguments.number("fetch-bytes", std::nullopt, 1, 1 << 30));
  options.version = static_cast<std::int16_t>(arguments.number("fetch-version", 12, 12, 17));
  Schedule schedule;
  schedule.in_flight = static_cast<std::size_t>(arguments.number("in-flight", 1, 1, 10'000));
  schedule.rate = arguments.real("rate", 0, 0, 1e9);
  schedule.duration = static_cast<Nanoseconds>(arguments.real("seconds", std::nullopt, 0.001, 1e6) * 1e9);
  const bool groups = arguments.on("groups");
  const bool once = arguments.on("once");
  const bool wait = arguments.on("wait");
  arguments.end();
  if (take != "copy" && take != "trunc") throw UsageFailure("--take is copy or trunc");
  if (once && (schedule.rate > 0 || groups)) throw UsageFailure("--once goes with neither --rate nor --groups");
  if (from != "earliest" && (from.empty() || from.size() > 18 || from.find_first_not_of("0123456789") != std::string::npos)) {
    throw UsageFailure("--from is earliest or an offset");
  }

  Client client(bootstrap);
  client.require(Api::Fetch, "Fetch", options.version);
  const Topic topic = client.topic(name, partitions);
  await_leaders(topic);
  const Plans plans = learn_all(topic, options, from, limit);
  const std::vector<Lane> lanes = make_lanes(topic, connections, groups);
  Connections list = open_connections(topic, lanes, options, plans, take == "trunc" ? Take::Truncate : Take::Copy, once);
  await_go(wait);
  print_run(run_traffic(list, schedule, threads));
}

}  // namespace load
