// storage: what a storage engine can not beat, as bare loops over system calls. See usage below, and bench/storage/loops.ts, which drives it.
#include <exception>
#include <functional>
#include <iostream>
#include <map>

#include "../load/failure.h"
#include "commands.h"

namespace {

constexpr const char* kUsage = R"(usage: storage COMMAND --flag value …      one JSON object on standard output; errors: one line, exit code 1
  append   --dir D --batch-bytes B --bytes TOTAL --seconds S [--logs 1] [--group 1] [--sync]
           pwrite of batches behind one another, to so many files in turn; with --sync an fdatasync of what a group has touched, behind it.
           In laps of TOTAL bytes, each into new files, until S seconds were spent writing. One lap to warm up counts nothing.
  read     --read-bytes B --seconds S [--random] FILE
           pread into one buffer: one place after the other, again from the start at the end, or places at random.
  scan     [--threads 1] FILE…
           each file once, from its start to its end, with CRC-32C over its bytes.
)";

const std::map<std::string, std::function<void(load::Arguments&)>> kCommands = {
    {"append", storage::append_command}, {"read", storage::read_command}, {"scan", storage::scan_command}};

}  // namespace

int main(int argc, char** argv) {
  const auto command = kCommands.find(argc > 1 ? argv[1] : "");
  if (command == kCommands.end()) {
    std::cerr << kUsage;
    return 2;
  }
  try {
    load::Arguments arguments(argc, argv, 2, {"sync", "random"});
    command->second(arguments);
    return 0;
  } catch (const load::UsageFailure& failure) {
    std::cerr << "storage " << argv[1] << ": " << failure.what() << std::endl;
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
