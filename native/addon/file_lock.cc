#include "file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>

#include "../file_io.h"
#include "arguments.h"

namespace sluice {
namespace {

// The descriptors of one environment that hold a lock. What is left when the environment ends is closed with it.
class HeldLocks {
 public:
  ~HeldLocks() {
    for (const int fd : held_) release(fd);
  }

  // An open-file-description lock: it excludes the classic POSIX lock that a Java FileLock is, and a second one of this process too; and it
  // does not vanish when something else in the process opens and closes the file.
  int lock(const std::string& path) {
    const int fd = open_file(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT, 0644);
    if (fd < 0) return fd;
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    if (fcntl(fd, F_OFD_SETLK, &range) != 0) {
      const int error = errno == EACCES ? EAGAIN : errno;
      close(fd);
      return -error;
    }
    held_.insert(fd);
    return fd;
  }

  bool unlock(int fd) {
    if (held_.erase(fd) == 0) return false;
    release(fd);
    return true;
  }

 private:
  // Not by closing alone: a child process that another thread has just forked shares the lock until it executes its program.
  static void release(int fd) {
    struct flock range = {};
    range.l_type = F_UNLCK;
    range.l_whence = SEEK_SET;
    (void)fcntl(fd, F_OFD_SETLK, &range);
    close(fd);
  }

  std::set<int> held_;
};

// Without taking it, and through a descriptor that may only read. 0: nobody holds it; -1: a process that the kernel does not name.
Napi::Value holder_of(Napi::Env env, const std::string& path) {
  const int fd = open_file(AT_FDCWD, path.c_str(), O_RDONLY);
  if (fd < 0) return fd == -ENOENT ? Napi::Number::New(env, 0).As<Napi::Value>() : env.Undefined();
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  const int result = fcntl(fd, F_OFD_GETLK, &range);
  close(fd);
  if (result != 0) return env.Undefined();
  return Napi::Number::New(env, range.l_type == F_UNLCK ? 0 : range.l_pid);
}

}  // namespace

void DefineFileLock(Napi::Env env, Napi::Object exports) {
  auto locks = std::make_shared<HeldLocks>();
  exports.Set("lockFile", Napi::Function::New(
                              env,
                              [locks](const Napi::CallbackInfo& info) {
                                return guarded(info, [&] { return Napi::Number::New(info.Env(), locks->lock(string_argument(info, 0))); });
                              },
                              "lockFile"));
  exports.Set("lockHolder", Napi::Function::New(
                                env, [](const Napi::CallbackInfo& info) { return guarded(info, [&] { return holder_of(info.Env(), string_argument(info, 0)); }); },
                                "lockHolder"));
  exports.Set("unlockFile", Napi::Function::New(
                                env,
                                [locks](const Napi::CallbackInfo& info) {
                                  return guarded(info, [&] {
                                    const auto fd = static_cast<int>(integer_argument(info, 0, 0, 2147483647.0));
                                    if (!locks->unlock(fd)) throw std::out_of_range("unknown lock");
                                    return info.Env().Undefined();
                                  });
                                },
                                "unlockFile"));
}

}  // namespace sluice
