// load idle: connections that do nothing, or wait in a fetch for records that do not come.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>

#include "client.h"
#include "commands.h"
#include "engine.h"
#include "fetch_request.h"

namespace load {
namespace {

constexpr std::int32_t kConsumerWaitMs = 500;  // fetch.max.wait.ms of a consumer

// Fetches at the end of a partition.
class WaitingConnection : public Connection {
 public:
  WaitingConnection(FileDescriptor socket, const std::string& address, FetchFrame fetch, std::int64_t end)
      : Connection(std::move(socket), address), fetch_(std::move(fetch)) {
    store_be(fetch_.bytes.data() + fetch_.offset_at, static_cast<std::uint64_t>(end));
  }

 protected:
  Parts next_request() override {
    store_be(fetch_.bytes.data() + kCorrelationAt, ++correlation_);
    Parts parts;
    parts.list[0] = {fetch_.bytes.data(), fetch_.bytes.size()};
    parts.count = 1;
    return parts;
  }

  void answer(View head, std::size_t) override {
    const Fetched fetched = read_fetched(head, FetchOptions{}.version);
    if (fetched.error != 0) fail(address() + ": Fetch: " + error_name(fetched.error));
    if (fetched.records_bytes > 0) fail(address() + ": records came where connections were to wait");
  }

 private:
  FetchFrame fetch_;
  std::uint32_t correlation_ = 0;
};

void allow_open_files(std::size_t wanted) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail_errno("getrlimit");
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted) {
    fail("only " + std::to_string(limit.rlim_max) + " open files are allowed here (ulimit -n)");
  }
}

Connections open_connections(const Topic& topic, std::size_t count) {
  std::vector<std::int64_t> ends;
  for (std::size_t at = 0; at < topic.leaders.size(); at++) {
    ends.push_back(Client(topic.leaders[at]).offset(topic.name, static_cast<int>(at), -1));
  }
  FetchOptions options;
  options.max_wait_ms = kConsumerWaitMs;
  const Bytes hello = frame(request(Api::ApiVersions, 0));
  Connections connections;
  for (std::size_t at = 0; at < count; at++) {
    const std::size_t partition = at % topic.leaders.size();
    const std::string& leader = topic.leaders[partition];
    FileDescriptor socket = connect_to(leader);
    // An answer shows that the broker has truly taken the connection, not only the kernel.
    exchange(socket.get(), hello, leader);
    FetchFrame fetch = make_fetch(topic, static_cast<int>(partition), options);
    connections.push_back(std::make_unique<WaitingConnection>(std::move(socket), leader, std::move(fetch), ends[partition]));
  }
  return connections;
}

}  // namespace

void idle_command(Arguments& arguments) {
  constexpr std::size_t kOtherFiles = 64;
  const std::string bootstrap = arguments.text("bootstrap");
  const std::string name = arguments.text("topic");
  const auto partitions = static_cast<int>(arguments.number("partitions", 1, 1, 100'000));
  const auto count = static_cast<std::size_t>(arguments.number("connections", std::nullopt, 1, 20'000));
  const double seconds = arguments.real("seconds", std::nullopt, 0.001, 1e6);
  const bool waiting = arguments.on("waiting");
  const bool wait = arguments.on("wait");
  arguments.end();
  allow_open_files(count + kOtherFiles);

  const Topic topic = Client(bootstrap).topic(name, partitions);
  const Nanoseconds opening = now();
  Connections connections = open_connections(topic, count);
  const Nanoseconds opened = now();
  await_go(wait);

  const Nanoseconds start = now();
  const CpuTime before = cpu_time();
  std::uint64_t polls = 0;
  if (waiting) {
    Schedule schedule;
    schedule.duration = static_cast<Nanoseconds>(seconds * 1e9);
    polls = run_traffic(connections, schedule, 1).tally.requests;
  } else {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }
  char numbers[192];
  std::snprintf(numbers, sizeof numbers, "{\"connections\":%zu,\"polls\":%llu,\"openingSeconds\":%.6f,\"seconds\":%.6f,", count,
                static_cast<unsigned long long>(polls), static_cast<double>(opened - opening) / 1e9, static_cast<double>(now() - start) / 1e9);
  std::cout << numbers << cpu_json(cpu_time() - before) << "}" << std::endl;
}

}  // namespace load
