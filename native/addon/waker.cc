#include "waker.h"

namespace sluice {

Waker* Waker::open(Napi::Env env, Napi::Function function, std::function<void()> at_exit) {
  uv_loop_t* loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* waker = new Waker(env);
  if (uv_async_init(loop, &waker->async_, [](uv_async_t* handle) { static_cast<Waker*>(handle->data)->call(); }) != 0) {
    delete waker;
    return nullptr;
  }
  uv_timer_init(loop, &waker->timer_);  // cannot fail
  waker->open_handles_ = 2;
  waker->async_.data = waker->timer_.data = waker;
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
  turn_ = nullptr;
  function_.Reset();
  if (!ending_ && context_) napi_async_destroy(env_, context_);
  context_ = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), on_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
  if (poll_) uv_close(reinterpret_cast<uv_handle_t*>(&*poll_), on_closed);
}

void Waker::on_closed(uv_handle_t* handle) {
  auto* waker = static_cast<Waker*>(handle->data);
  if (--waker->open_handles_ > 0) return;
  if (waker->hook_) napi_remove_async_cleanup_hook(waker->hook_);
  delete waker;
}

bool Waker::watch(int fd, std::function<bool()> turn) {
  turn_ = std::move(turn);
  poll_.emplace();
  if (uv_poll_init(async_.loop, &*poll_, fd) != 0) {
    poll_.reset();
    return false;
  }
  open_handles_++;
  poll_->data = this;
  const auto readable = [](uv_poll_t* handle, int, int) {
    auto* waker = static_cast<Waker*>(handle->data);
    if (waker->turn_ && waker->turn_()) waker->call();
  };
  return uv_poll_start(&*poll_, UV_READABLE, readable) == 0;
}

// Called at every poll: a timer that is already due early enough stays as it is, and costs one call too many at most.
void Waker::remind(int ms) {
  if (ms < 0) return;
  const std::uint64_t due = uv_now(async_.loop) + static_cast<std::uint64_t>(ms);
  if (due_ != 0 && due_ <= due) return;
  due_ = due;
  uv_timer_start(
      &timer_,
      [](uv_timer_t* handle) {
        auto* waker = static_cast<Waker*>(handle->data);
        waker->due_ = 0;
        waker->call();
      },
      static_cast<std::uint64_t>(ms), 0);
}

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
