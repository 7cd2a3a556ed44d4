// Wakes the JavaScript thread of one environment from any thread.
#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>
#include <optional>

namespace sluice {

// A libuv async handle that calls one JavaScript function and keeps the event loop alive while open. Deletes itself after close(), when libuv has let
// go of the handle; until then it also holds the environment's end (asynchronous cleanup hook), so that no handle outlives its loop.
class Waker {
 public:
  // `at_exit` is called on the JavaScript thread when the environment ends while the waker is open: it must stop and join every thread that calls
  // wake(), call close(), and not call into JavaScript. Null: libuv refused.
  static Waker* open(Napi::Env env, Napi::Function function, std::function<void()> at_exit);

  // Any thread, until close() begins. Several calls may give one call of the function.
  void wake() { uv_async_send(&async_); }
  // JavaScript thread. While `fd` is readable it calls `turn`, and the function if `turn` says so.
  bool watch(int fd, std::function<bool()> turn);
  // JavaScript thread. Calls the function at the latest `ms` from now; -1: no need.
  void remind(int ms);
  // JavaScript thread, once.
  void close();

 private:
  explicit Waker(Napi::Env env) : env_(env) {}
  static void on_closed(uv_handle_t* handle);
  void call();

  napi_env env_;
  uv_async_t async_{};
  uv_timer_t timer_{};
  std::optional<uv_poll_t> poll_;
  std::function<bool()> turn_;
  std::uint64_t due_ = 0;  // of the timer; 0: not set
  int open_handles_ = 0;
  Napi::FunctionReference function_;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  std::function<void()> at_exit_;
  bool ending_ = false;
};

}  // namespace sluice
