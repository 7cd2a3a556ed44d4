// What is watched: one folder, and which of its files a path or a descriptor means. That is asked of the kernel each time: descriptors are never tracked.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace sluice_faults {

struct Setup {
  std::string root;  // empty: nothing is watched
  std::string control;
  std::mutex order;  // of changes
};

// From the environment, at the first call.
Setup& setup();

struct Target {
  std::string path;  // below the root
  std::uint64_t file = 0;
  bool folder = false;
};

// The path below the root; false: it lies elsewhere.
bool ours(int folder, const char* path, std::string& relative);
// Keeps errno, as a call that is not watched would.
bool ours(int fd, Target& target);
// Absolute; empty: not known.
std::string path_of(int fd);
// 0: nothing is there.
std::uint64_t inode_at(int folder, const char* path);

}  // namespace sluice_faults
