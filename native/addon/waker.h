// Wakes the JavaScript thread of one environment from any thread.
#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>

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
  // JavaScript thread, once.
  void close();

 private:
  explicit Waker(Napi::Env env) : env_(env) {}
  static void on_wake(uv_async_t* handle);
  void call();

  napi_env env_;
  uv_async_t async_{};
  Napi::FunctionReference function_;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  std::function<void()> at_exit_;
  bool ending_ = false;
};

}  // namespace sluice
