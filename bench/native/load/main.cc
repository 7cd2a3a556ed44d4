// load: traffic for benchmarks of a Kafka broker, light enough that the broker is the bottleneck. See usage below, and bench/lib/load.ts,
// which drives it.
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>

#include "commands.h"
#include "failure.h"

namespace {

constexpr const char* kUsage = R"(usage: load COMMAND --flag value …      one JSON object on standard output; times in ms; errors: one line, exit code 1
  produce  --bootstrap H:P --topic T [--partitions 1] [--batch-bytes 65536] [--record-bytes 1024] [--connections 1] [--in-flight 5]
           [--acks 1|0|-1] [--bytes TOTAL] [--seconds S] [--rate REQUESTS/S] [--threads 1]
  fetch    --bootstrap H:P --topic T --fetch-bytes B --seconds S [--partitions 1] [--connections 1] [--in-flight 1] [--rate REQUESTS/S]
           [--take copy|trunc] [--limit BYTES] [--from earliest|OFFSET] [--groups] [--once] [--fetch-version 12] [--threads 1]
  latency  --bootstrap H:P --topic T --samples N [--record-bytes 1024] [--acks 1|0|-1] [--rate 1000] [--warmup 200]
  idle     --bootstrap H:P --topic T --connections N --seconds S [--partitions 1] [--waiting]
  canned   --file SEGMENT [--port 0] [--fetch-bytes B] [--readwrite] [--send-buffer BYTES]      prints {"port":N}, serves until standard input ends or SIGTERM
  drop-cache FILE…
With --rate the loop is open: requests start when their time has come, and latency counts from that time.
With --wait the line {"ready":true} comes before the traffic, which begins after a line on standard input.
)";

const std::map<std::string, std::function<void(load::Arguments&)>> kCommands = {
    {"produce", load::produce_command}, {"fetch", load::fetch_command},   {"latency", load::latency_command},
    {"idle", load::idle_command},       {"canned", load::canned_command}, {"drop-cache", load::drop_cache_command},
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto command = kCommands.find(argc > 1 ? argv[1] : "");
  if (command == kCommands.end()) {
    std::cerr << kUsage;
    return 2;
  }
  try {
    load::Arguments arguments(argc, argv, 2, {"groups", "once", "wait", "waiting", "readwrite"});
    command->second(arguments);
    return 0;
  } catch (const load::UsageFailure& failure) {
    std::cerr << "load " << argv[1] << ": " << failure.what() << std::endl;
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
