// The one line that a command prints.
#pragma once

#include <cstdint>
#include <iostream>

#include "../load/clock.h"

namespace storage {

struct Done {
  std::uint64_t bytes = 0;
  std::uint64_t operations = 0;
  std::uint64_t syncs = 0;
  std::uint32_t checksum = 0;  // of all files, by exclusive or: told, so that no compiler leaves the work out
  load::Nanoseconds spent = 0;
  load::CpuTime cpu;

  // What was spent between two moments counts, what lies between two such spans does not.
  template <typename Work>
  void count(Work work) {
    const load::CpuTime cpu_before = load::cpu_time();
    const load::Nanoseconds before = load::now();
    work();
    spent += load::now() - before;
    const load::CpuTime used = load::cpu_time() - cpu_before;
    cpu.user += used.user;
    cpu.system += used.system;
  }
};

inline void report(const Done& done) {
  std::cout << "{\"bytes\":" << done.bytes << ",\"operations\":" << done.operations << ",\"syncs\":" << done.syncs
            << ",\"checksum\":" << done.checksum << ",\"seconds\":" << static_cast<double>(done.spent) / load::kSecond << ",\"cpuUser\":" << done.cpu.user
            << ",\"cpuSystem\":" << done.cpu.system << "}" << std::endl;
}

}  // namespace storage
