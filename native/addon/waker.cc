#include "waker.h"

namespace sluice {

Waker* Waker::open(Napi::Env env, Napi::Function function, std::function<void()> at_exit) {
  uv_loop_t* loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* waker = new Waker(env);
  if (uv_async_init(loop, &waker->async_, on_wake) != 0) {
    delete waker;
    return nullptr;
  }
  waker->async_.data = waker;
  waker->function_ = Napi::Persistent(function);
  waker->at_exit_ = std::move(at_exit);
  napi_async_init(env, nullptr, Napi::String::New(env, "sluice"), &waker->context_);
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* data) {
        auto* ending = static_cast<Waker*>(data);
        ending->ending_ = true;
        if (ending->at_exit_) ending->at_exit_();
      },
      waker, &waker->hook_);
  return waker;
}

void Waker::close() {
  at_exit_ = nullptr;
  function_.Reset();
  if (!ending_ && context_) napi_async_destroy(env_, context_);
  context_ = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), [](uv_handle_t* handle) {
    auto* waker = static_cast<Waker*>(handle->data);
    if (waker->hook_) napi_remove_async_cleanup_hook(waker->hook_);
    delete waker;
  });
}

void Waker::on_wake(uv_async_t* handle) { static_cast<Waker*>(handle->data)->call(); }

void Waker::call() {
  const Napi::Env env(env_);
  Napi::HandleScope scope(env);
  const Napi::Function function = function_.Value();
  if (function.IsEmpty()) return;
  napi_value global;
  napi_value result;
  if (napi_get_global(env_, &global) != napi_ok) return;
  if (napi_make_callback(env_, context_, global, function, 0, nullptr, &result) != napi_pending_exception) return;
  // As an exception in any other callback of the event loop.
  napi_value error;
  if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) napi_fatal_exception(env_, error);
}

}  // namespace sluice
